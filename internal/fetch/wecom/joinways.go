package wecom

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// joinWayRequest is the body of groupchat/get_join_way (vendor doc 99547).
type joinWayRequest struct {
	ConfigID string `json:"config_id"`
}

// joinWayAnswer is its answer.
type joinWayAnswer struct {
	envelope
	JoinWay lenient.Object[joinWayObject] `json:"join_way"`
}

type joinWayObject struct {
	ConfigID       lenient.Text                   `json:"config_id,case:strict"`
	Scene          lenient.Int                    `json:"scene"`
	Remark         lenient.Text                   `json:"remark"`
	AutoCreateRoom lenient.Int                    `json:"auto_create_room"`
	RoomBaseName   lenient.Text                   `json:"room_base_name"`
	RoomBaseID     lenient.Int                    `json:"room_base_id"`
	ChatIDs        lenient.Elements[lenient.Text] `json:"chat_id_list"`
	QRCode         lenient.Text                   `json:"qr_code"`
	State          lenient.Text                   `json:"state"`
	Extra          jsontext.Value                 `json:",embed"`
}

// joinWayPage reads one join way, whose config id is the subject of the chain. An
// app reads only those that it has created itself.
func (c *Client) joinWayPage(ctx context.Context, chain model.Chain) (model.Page, error) {
	var got model.Page
	page, err := c.do(ctx, call{
		endpoint: endpointJoinWay, body: joinWayRequest{ConfigID: chain.Subject},
		decode: func(a fetch.Answer) (outcome, error) {
			out, read, err := c.readJoinWay(a.Body, chain.Subject)
			got = read
			return out, err
		},
	})
	return merge(page, got, err)
}

func (c *Client) readJoinWay(body []byte, configID string) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[joinWayAnswer](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	way := &answer.JoinWay.Value
	switch {
	case !answer.JoinWay.Set:
		return out, model.Page{}, malformed("answer holds no object join_way")
	case way.ConfigID.Value != configID:
		return out, model.Page{}, malformed("answer is about another join way than was asked for")
	}
	page := model.Page{Last: true}
	var chats []string
	if way.ChatIDs.Set {
		chats = make([]string, 0, len(way.ChatIDs.Items))
	}
	for i := range way.ChatIDs.Items {
		e := &way.ChatIDs.Items[i]
		if !lenient.IsID(e.Value.Value) {
			page.Rejects = append(page.Rejects, c.reject("chat", "", configID, "no readable chat_id", e.Raw(text)))
			continue
		}
		chats = append(chats, e.Value.Value)
	}
	page.JoinWays = []model.JoinWay{way.translate(chats)}
	return out, page, nil
}

// stateBytesMax is far above the vendor's 30 characters and below what an index entry
// of PostgreSQL holds.
const stateBytesMax = 1000

func (w *joinWayObject) translate(chats []string) model.JoinWay {
	if len(w.State.Value) > stateBytesMax {
		w.State = lenient.Text{Bad: lenient.Quoted(w.State.Value)}
	}
	return model.JoinWay{
		ID: w.ConfigID.Value, Scene: w.Scene.Ptr(), AutoCreateRoom: w.AutoCreateRoom.Ptr(), RoomBaseID: w.RoomBaseID.Ptr(),
		Remark: w.Remark.Ptr(), RoomBaseName: w.RoomBaseName.Ptr(), QRCode: w.QRCode.Ptr(), State: w.State.Ptr(),
		ChatIDs: chats,
		Extra: lenient.Extra(
			w.Extra,
			lenient.Member{Name: "scene", Value: w.Scene.Bad},
			lenient.Member{Name: "auto_create_room", Value: w.AutoCreateRoom.Bad},
			lenient.Member{Name: "room_base_id", Value: w.RoomBaseID.Bad},
			lenient.Member{Name: "remark", Value: w.Remark.Bad},
			lenient.Member{Name: "room_base_name", Value: w.RoomBaseName.Bad},
			lenient.Member{Name: "qr_code", Value: w.QRCode.Bad},
			lenient.Member{Name: "state", Value: w.State.Bad},
			lenient.Member{Name: "chat_id_list", Value: w.ChatIDs.Bad},
		),
	}
}
