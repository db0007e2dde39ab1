package dingtalk

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// BenchmarkChats reads a full page of the chat list, as it comes off the wire.
func BenchmarkChats(b *testing.B) {
	c := testClient(b, "http://vendor.invalid")
	elements := make([]string, chatsPageMax)
	for i := range elements {
		elements[i] = fmt.Sprintf(`{"openConversationId":"cid6KeBBL%04d5x7EeiodoA==","openGroupSetId":"set%d","ownerUserId":"manager%d",`+
			`"ownerUserName":"李雷","name":"华东客户群 %d","memberCount":%d,"gmtCreate":%d}`, i, i%7, i%11, i, i, 1640239655539+i)
	}
	body := fmt.Sprintf(`{"resultList":[%s],%s,"totalCount":30000}`, strings.Join(elements, ","), pagingOf("next"))
	answer := fetch.Answer{Status: http.StatusOK, Body: []byte(body)}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		var page model.Page
		bad := c.verdict(question{endpoint: endpointChats}, answer, func(body []byte) (err error) {
			page, err = c.readChats(body, "crm_customer")
			return err
		})
		if bad != nil || len(page.Chats) != chatsPageMax {
			b.Fatal(bad, len(page.Chats))
		}
		rows += len(page.Chats)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
