// Package contract lets public WeCom clients talk to the simulator, so that our
// reading of the protocol is checked by code that is not ours. It holds tests
// only, in a module of its own: their dependencies never reach syncd. The folder
// dingtalk does the same with DingTalk's own client.
//
//	cd internal/vendorsim/contract && go test ./...
//
// xen0n/go-workwx has gettoken, the follow users, the list and the detail of
// chats and join ways, and knows neither state nor member_version. silenceper/wechat
// reads those two, has both statistics and mass messages as well, and differs in
// what it sends (content type with charset, zeros for what is not set).
package contract
