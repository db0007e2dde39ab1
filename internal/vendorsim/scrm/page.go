package scrm

// page is one page of a list: what the answer says of it, and which rows it holds.
type page struct {
	count, no, size int64
	from, to        int
}

// listBend changes how a list is cut into pages. The zero value does not.
type listBend struct {
	// largest is the size above which a page is cut down; 0 is none.
	largest int64
	// first gives the first page whatever was asked for; says is then what the
	// answer calls it: 1, or the page that was asked for where says is 0.
	first bool
	says  int64
	// shift moves the first and the last row of every page but the first.
	shift int64
	// fewer is taken from the count, and with it from the number of pages.
	fewer int64
}

// cut returns the page number no, from 1, of a list of so many rows. One that
// lies beyond the end is empty, or the last one there is.
func (b listBend) cut(no, size int64, rows int, lastBeyond bool) page {
	if b.largest > 0 {
		size = min(size, b.largest)
	}
	if lastBeyond {
		no = min(no, max((int64(rows)+size-1)/size, 1))
	}
	says := no
	if b.first {
		no = 1
		if b.says != 0 {
			says = b.says
		}
	}
	count := int64(rows)
	begin := count
	if no-1 <= count/size { // else it is beyond, and the product may be as well
		begin = (no - 1) * size
	}
	if no > 1 {
		begin += b.shift
	}
	begin = min(max(begin, 0), count)
	return page{
		count: max(count-b.fewer, 0), no: says, size: size,
		from: int(begin), to: int(min(begin+size, count)),
	}
}
