package vendorsim

import "strconv"

var massTexts = []string{
	"周五18点直播🎁", "请查看群公告", "【通知】明日系统维护\n22:00-24:00 暂停服务", "双十一会员专享8折,点击下方链接👇",
	"各位老师好,本周作业请在周日前提交~", "新品到店☀️ 欢迎来试", "您好,发票已开具,请查收\t谢谢🙏", "温馨提示:\"假客服\"会要验证码 \\ 请勿转账",
}

// massText is the message's text: nil where it has none, and sometimes "" beside
// attachments.
func (t *tenant) massText(number uint64) *string {
	x := t.bits(drawMassText, number, 0)
	var text string
	switch x % 10 {
	case 0:
		return nil
	case 1:
	default:
		text = massTexts[x>>8%uint64(len(massTexts))] + t.oddText(number|1<<42, 0)
	}
	return &text
}

// attachments is the JSON array of the message's attachments: none beside half of
// the texts that say something, otherwise up to three of the vendor's nine.
func (t *tenant) attachments(number uint64) string {
	x := t.bits(drawMassText, number, 0)
	if x%10 > 5 {
		return ""
	}
	array := []byte{'['}
	for i := range 1 + x>>16%3 {
		if i > 0 {
			array = append(array, ',')
		}
		array = t.appendAttachment(array, t.bits(drawMassText, number, i+1))
	}
	return string(append(array, ']'))
}

// appendAttachment draws one: its msgtype, and the member of that name.
func (t *tenant) appendAttachment(dst []byte, x uint64) []byte {
	id := strconv.FormatUint(x>>20, 36)
	kinds := uint64(5)
	if t.odd {
		kinds = 6
	}
	var kind, object string
	switch x % kinds {
	case 0:
		kind, object = "image", `{"pic_url":"https://example.invalid/p/`+id+`"}`
		if x>>8%2 == 0 {
			object = `{"media_id":"MEDIA` + id + `"}`
		}
	case 1:
		kind, object = "link", `{"title":"报名","picurl":"https://example.invalid/c/`+id+`.png","desc":"名额有限🔥","url":"https://example.invalid/a?id=`+id+`&from=群发"}`
		if x>>8%3 == 0 {
			object = `{"title":"官网","url":"https://example.invalid/` + id + `"}`
		}
	case 2:
		kind, object = "miniprogram", `{"title":"商城","pic_media_id":"MEDIA`+id+`","appid":"wx`+id+`","page":"/pages/index.html"}`
	case 3:
		kind, object = "video", `{"media_id":"MEDIA`+id+`"}`
	case 4:
		kind, object = "file", `{"media_id":"MEDIA`+id+`"}`
	default: // of odd tenants: a kind that no document knows
		kind, object = "channels", `{"feed":{"id":`+strconv.FormatUint(x>>40, 10)+`}}`
	}
	dst = append(dst, `{"msgtype":"`+kind+`","`+kind+`":`...)
	dst = append(dst, object...)
	return append(dst, '}')
}
