package scrm

import (
	"slices"
	"strconv"
	"strings"

	"syncd/internal/vendorsim/dice"
)

// The words that names are drawn from.

var (
	surnames   = []string{"李", "王", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "欧阳", "高", "林", "何"}
	givenNames = []string{"雷", "梅", "伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "建国", "嘉怡", "涛", "明", "秀英"}
	nicknames  = []string{
		"噜啦啦噜啦啦", "猴子也疯狂", "陈酒,", "阳光☀️", "🌸", "A建材批发-老李", "王工", "Lucy", "平安喜乐", "。", "Mr.Zhang",
		"糖糖妈妈👩‍👧", "𠮷野家老板", "Tony<VIP>", "老张 13X", "\"随缘\"", "木子\\李", "Kiki🎀", "乐乐爸",
	}
	departments = []string{
		"Mmmmmmmm部门!!!!不要动,TY", "销售一部", "销售二部,华东大区", "客户成功", "渠道(线上),运营/增长", "售后、维修", "直营门店", "总部,市场,品牌",
	}
	regions = []string{"华东", "华南", "西南", "北京", "上海", "深圳", "线上", "海外🌏", "直营"}
	topics  = []string{
		"复仇者联盟", "VIP交流群", "新客福利🔥", "售后服务群", "团购群🛒", "家长群", "答疑群", "今天是个好日子", "鱼香肉丝", "Pilot & Friends", "老客户❤️",
	}
	suffixes = []string{"", "", "①", "🎉", "(官方)", " 2026", "-03", "·一组", "【满员】", " A/B"}
	titles   = []string{
		"手动多文件上传", "手动sop", "手动sop多文本", "早于当前时间", "遭遇当前时间", "多文件", "新客第三天回访", "生日祝福🎂", "直播预告📺", "周报", "满意度调查?", "节后问候",
	}
)

// tagsAll are the tags of the organisation; see [Tag].
var tagsAll = func() []Tag {
	names := []string{
		"A级", "B级", "C级", "高意向", "已成交", "待跟进", "沉默群", "活跃群", "母婴", "教育", "门店,线下", "线上", "活动2026", "老客", "投诉过", "KOC",
	}
	list := make([]Tag, len(names))
	for i, name := range names {
		list[i] = Tag{ID: int64(3001 + 7*i), Name: name}
	}
	return list
}()

func (t *tenant) staffName(staff int) string {
	n := staff + int(t.seed%64)
	round := staff / (len(surnames) * len(givenNames))
	name := surnames[n%len(surnames)] + givenNames[(n+n/len(surnames))%len(givenNames)]
	if round > 0 {
		name += strconv.Itoa(round)
	}
	return name
}

func (t *tenant) department(staff int) string {
	return oneOf(t.bits(drawDepartment, uint64(staff), 0), departments)
}

// groupName is the group's name, and whether somebody gave it one: of one in
// eight nobody did, and the answer lists members instead.
func (t *tenant) groupName(group uint64, owner int, at int64) (name string, given bool) {
	v := t.version(drawRename, group, at, 45*day, 500)
	if v == 0 && group < uint64(len(t.shared)) && t.shared[group].Name != "" {
		return t.shared[group].Name, true
	}
	x := t.bits(drawName, group, v)
	if x>>40%8 == 0 {
		return t.memberNames(owner, x) + t.oddText(group, v), false
	}
	name = oneOf(x, regions) + oneOf(x>>8, topics) + oneOf(x>>16, suffixes)
	return name + t.oddText(group, v), true
}

// memberNames is what stands for the name of a group that has none: the names of
// members, cut off where there are more than four.
func (t *tenant) memberNames(owner int, x uint64) string {
	names := []string{t.staffName(owner)}
	n := 1 + int(x>>20%6)
	for k := range n {
		names = append(names, oneOf(dice.Mix(x+uint64(k)), nicknames))
	}
	if len(names) <= 4 {
		return strings.Join(names, "、")
	}
	return strings.Join(names[:4], "、") + "..."
}

// tags are those of the group, by id: none for six in ten.
func (t *tenant) tags(group uint64, at int64) []Tag {
	v := t.version(drawTagChange, group, at, 30*day, 300)
	x := t.bits(drawTags, group, v)
	if x%10 < 6 {
		return nil
	}
	var list []Tag
	for k := range 1 + x>>8%3 {
		if tag := oneOf(dice.Mix(x+k), tagsAll); !slices.Contains(list, tag) {
			list = append(list, tag)
		}
	}
	slices.SortFunc(list, func(a, b Tag) int { return int(a.ID - b.ID) })
	return list
}

// calendars are those of the group: none for nine in ten.
func (t *tenant) calendars(group uint64) []Calendar {
	x := t.bits(drawCalendars, group, 0)
	if x%10 != 0 {
		return nil
	}
	var list []Calendar
	for k := range 1 + x>>8%2 {
		list = append(list, Calendar{ID: int64(5001 + dice.Mix(x+k)%900), Name: "群日历·" + oneOf(dice.Mix(x+k)>>16, titles)})
	}
	return list
}

// oddTexts are appended to names. The surrogates stand for \ud83d and \ude00
// alone, which JSON can escape and UTF-8 cannot hold.
var oddTexts = []string{"\x00", "\xed\xa0\xbd", "\xed\xb8\x80x", "\xff\xfe", "\xf0\x9f\x98", "\u2028\x1f", "\ufeff", "\u202e"}

// oddText is "" but for every sixteenth text of an odd tenant.
func (t *tenant) oddText(subject, version uint64) string {
	if !t.odd {
		return ""
	}
	x := t.bits(drawOddText, subject, version)
	if x%16 != 0 {
		return ""
	}
	return oneOf(x>>8, oddTexts)
}
