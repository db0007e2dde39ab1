// Package contract lets public WeCom clients talk to the simulator, so that our
// reading of the protocol is checked by code that is not ours. It holds tests
// only, in a module of its own: their dependencies never reach syncd.
//
//	cd internal/vendorsim/contract && go test ./...
//
// xen0n/go-workwx has all four calls, and knows neither state nor
// member_version; silenceper/wechat reads those two, and differs in what it
// sends (content type with charset).
package contract
