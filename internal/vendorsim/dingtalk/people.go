package dingtalk

import (
	"fmt"
	"strconv"
	"strings"

	"syncd/internal/vendorsim/dice"
)

var (
	surnames   = []string{"李", "王", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "欧阳", "林", "何"}
	givenNames = []string{"雷", "梅", "伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "秀英", "建国", "嘉怡", "Tony"}
	regions    = []string{"华东", "华南", "华北", "西南", "北京", "上海", "深圳", "成都", "杭州", "海外🌏", "直营", "XX"}
	topics     = []string{"VIP客户群", "售后服务群", "会员群", "采购沟通", "项目对接群", "答疑群", "营销群", "Pilot & Friends", "老客户❤️", "内测"}
	suffixes   = []string{"", "", "①", "🎉", "(官方)", " 2026", "-03", "·一组", " A/B", "1群"}
	notices    = []string{"", "工作日9点-18点答疑\n请勿发广告", "发票请联系客服\t每周三统一开具", "请修改群昵称为“城市-姓名”"}
)

func pick(list []string, bits uint64) string { return list[dice.Among(bits, len(list))] }

// userID is that of somebody who owns groups: some have one like manager4321.
func (t *tenant) userID(person uint64) string {
	x := t.bits(drawUser, person, 0)
	if x%4 == 0 {
		return "manager" + strconv.FormatUint(1000+person, 10)
	}
	return fmt.Sprintf("%08d%06d", x>>8%1e8, person)
}

// userNumber is the inverse of userID; false for somebody who owns no groups.
func (t *tenant) userNumber(id string) (uint64, bool) {
	digits, manager := strings.CutPrefix(id, "manager")
	if !manager && len(digits) == 14 {
		digits = digits[8:]
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if manager {
		n -= 1000
	}
	return n, err == nil && n < uint64(t.opt.Owners) && t.userID(n) == id
}

func (t *tenant) userName(person uint64) string {
	x := t.bits(drawUser, person, 1)
	return pick(surnames, x) + pick(givenNames, x>>16)
}

// chatName is the group's name. Some are renamed in time.
func (t *tenant) chatName(chat uint64, at int64) string {
	v := t.version(drawRename, chat, at, 45*day, 400)
	x := t.bits(drawName, chat, v)
	return pick(regions, x) + pick(topics, x>>8) + pick(suffixes, x>>16) + t.oddText(chat, v)
}

// oddTexts are appended to names. The surrogate stands for \ud83d alone.
var oddTexts = []string{"\x00", "\xed\xa0\xbd", "\xff\xfe", "\xf0\x9f\x98", "\u2028\x1f", "\ufeff", "\u202e"}

// oddText is "" but for every sixteenth text of an odd tenant.
func (t *tenant) oddText(subject, version uint64) string {
	if !t.opt.Odd {
		return ""
	}
	x := t.bits(drawOdd, ^subject, version)
	if x%16 != 0 {
		return ""
	}
	return pick(oddTexts, x>>8)
}
