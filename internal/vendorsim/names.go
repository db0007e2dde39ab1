package vendorsim

// The words that names and notices are drawn from.

type word struct{ han, pinyin, lower string }

var surnames = []word{
	{"李", "Li", "li"},
	{"王", "Wang", "wang"},
	{"张", "Zhang", "zhang"},
	{"刘", "Liu", "liu"},
	{"陈", "Chen", "chen"},
	{"杨", "Yang", "yang"},
	{"赵", "Zhao", "zhao"},
	{"黄", "Huang", "huang"},
	{"周", "Zhou", "zhou"},
	{"吴", "Wu", "wu"},
	{"徐", "Xu", "xu"},
	{"孙", "Sun", "sun"},
	{"朱", "Zhu", "zhu"},
	{"高", "Gao", "gao"},
	{"林", "Lin", "lin"},
	{"何", "He", "he"},
	{"郭", "Guo", "guo"},
	{"罗", "Luo", "luo"},
	{"欧阳", "OuYang", "ouyang"},
	{"韩", "Han", "han"},
}

var givenNames = []word{
	{"雷", "Lei", "lei"},
	{"梅", "Mei", "mei"},
	{"伟", "Wei", "wei"},
	{"芳", "Fang", "fang"},
	{"娜", "Na", "na"},
	{"敏", "Min", "min"},
	{"静", "Jing", "jing"},
	{"强", "Qiang", "qiang"},
	{"磊", "LeiLei", "leilei"},
	{"洋", "Yang", "yang"},
	{"艳", "Yan", "yan"},
	{"勇", "Yong", "yong"},
	{"军", "Jun", "jun"},
	{"杰", "Jie", "jie"},
	{"涛", "Tao", "tao"},
	{"明", "Ming", "ming"},
	{"超", "Chao", "chao"},
	{"秀英", "XiuYing", "xiuying"},
	{"建国", "JianGuo", "jianguo"},
	{"嘉怡", "JiaYi", "jiayi"},
}

var nicknames = []string{
	"小😀鱼", "阳光☀️", "🌸", "花开富贵🌹", "A建材批发-老李", "王工", "Lucy", "平安喜乐", "。", "奔跑的蜗牛🐌",
	"Mr.Zhang", "糖糖妈妈👩‍👧", "静水流深", "大海🌊", "阿May", "𠮷野家老板", "向日葵", "行者无疆", "ㄟ(▔,▔)ㄏ", "Tony<VIP>",
	"老张 13X", "喵喵喵🐱", "\"随缘\"", "木子\\李", "七七", "深圳-陈", "福气满满🧧", "Kiki🎀", "乐乐爸", "沐风",
}

var (
	regions = []string{"华东", "华南", "华北", "西南", "北京", "上海", "深圳", "成都", "杭州", "线上", "海外🌏", "直营"}
	topics  = []string{
		"VIP交流群", "新客福利🔥", "售后服务群", "会员群", "团购群🛒", "采购沟通", "家长群", "训练营", "项目对接群", "答疑群",
		"直播通知📺", "Pilot & Friends", "老客户❤️", "经销商", "产品内测",
	}
	suffixes = []string{"", "", "①", "②", "③", "🎉", "(官方)", " 2026", "-03", "·一组", "【满员】", " A/B"}
)

var notices = []string{
	"工作日9点-18点答疑\n请勿发广告", "文明沟通,拒绝脏话", "周五18点直播🎁\n链接:https://example.invalid/live?id=1&from=群",
	"欢迎新朋友👏 请修改群昵称为“城市-姓名”", "发票请联系客服\t每周三统一开具", "本群仅用于售后,谢谢配合🙏", "国庆放假 10/1-10/7",
}

var (
	groupNicknames = []string{"客服小张", "顾客老王", "采购-王", "深圳-李总", "宝妈💕", "群管家🤖", "技术支持"}
	joinStates     = []string{"chan_a", "chan_b", "web", "展会2026", "poster-07"}
	wayRemarks     = []string{"", "展会", "官网二维码", "门店海报🎈", "公众号菜单", "直播间 & 弹幕", "老带新"}
)

// personName is the name a customer shows in all chats. Some change it in time.
func (t *tenant) personName(person uint64, at int64) string {
	v := t.version(drawPersonRename, person, at, 120*day, 150)
	x := t.bits(drawPersonName, person, v)
	if fromWeCom(t.bits(drawPersonID, person, 0)) {
		return surnames[x%uint64(len(surnames))].han + givenNames[x>>8%uint64(len(givenNames))].han
	}
	name := nicknames[x%uint64(len(nicknames))]
	if x>>16%3 == 0 {
		name += givenNames[x>>24%uint64(len(givenNames))].han
	}
	return name + t.oddText(person, v)
}

// chatName is the chat's name; one in twelve was never given one.
func (t *tenant) chatName(chat uint64, at int64) string {
	v := t.version(drawRename, chat, at, 45*day, 500)
	x := t.bits(drawName, chat, v)
	if x>>40%12 == 0 {
		return ""
	}
	name := regions[x%uint64(len(regions))] + topics[x>>8%uint64(len(topics))] + suffixes[x>>16%uint64(len(suffixes))]
	return name + t.oddText(chat, v)
}

// notice is the chat's announcement: nil where the answer has no such field,
// otherwise often "".
func (t *tenant) notice(chat uint64, at int64) *string {
	v := t.version(drawNoticeChange, chat, at, 30*day, 500)
	x := t.bits(drawNotice, chat, v)
	var text string
	switch x >> 40 % 5 {
	case 0, 1:
		return nil
	case 2:
	default:
		text = notices[x%uint64(len(notices))] + t.oddText(chat, v^x)
	}
	return &text
}

// nickname is what a member calls himself in one chat, mostly nothing.
func (t *tenant) nickname(chat, spell uint64, at int64) string {
	v := t.version(drawNicknameChange, chat<<20^spell, at, 180*day, 50)
	x := t.bits(drawNickname, chat<<20^spell, v)
	if x>>40%5 != 0 {
		return ""
	}
	return groupNicknames[x%uint64(len(groupNicknames))]
}
