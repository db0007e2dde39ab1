package main

import (
	"io"
	"strings"

	"github.com/rivo/uniseg"
)

// columns is text in columns that stand straight on a terminal, where a Chinese
// character is as wide as two Latin ones.
type columns struct {
	rows [][]string
	// right says which columns are numbers; the rest begin on the left.
	right []bool
}

func (t *columns) add(cells ...string) { t.rows = append(t.rows, cells) }

// columnGap is what stands between two columns.
const columnGap = "  "

// print writes them. No line ends in spaces.
func (t *columns) print(out io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(cell))
		}
	}
	var text strings.Builder
	for _, row := range t.rows {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString(columnGap)
			}
			fill := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			if i < len(t.right) && t.right[i] {
				line.WriteString(fill + cell)
			} else {
				line.WriteString(cell + fill)
			}
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}
