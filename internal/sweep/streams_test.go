package sweep_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// All streams of a source at once, over chats whose every answer differs, and
// with every stream taking and losing chats for the others. They wait for each
// other, hardly ever in a circle, which costs a repeat; the history has every
// version once.
func TestStreamsAtOnce(t *testing.T) {
	t.Parallel()
	const chats, rounds = 200, 6
	v := newTenant(t, chats)
	v.opts.Breaker = model.Breaker{Min: chats}
	answer := v.answer
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		page, err := answer(c, cursor)
		for i := range page.Chats {
			page.Chats[i].Status = new(rand.Int64N(3))
		}
		if c.Stream == "chats" && c.Subject == "status/0" {
			at := rand.IntN(chats)
			page.Chats = append(page.Chats[:at:at], page.Chats[min(at+3, chats):]...)
			rand.Shuffle(len(page.Chats), func(i, j int) { page.Chats[i], page.Chats[j] = page.Chats[j], page.Chats[i] })
		}
		if c.Stream == "members" {
			if rand.IntN(10) == 0 {
				return model.Page{}, vendorError(v.class, v.code)
			}
			name, owner := strconv.Itoa(rand.IntN(3)), fmt.Sprintf("owner%d", rand.IntN(300))
			page.Details[0].Chat.Name, page.Details[0].Chat.OwnerID = &name, &owner
		}
		if c.Stream == "owners" {
			for i := range 50 {
				page.Owners = append(page.Owners, model.Owner{ID: fmt.Sprintf("owner%d", rand.IntN(300)), Name: new(strconv.Itoa(i))})
			}
		}
		return page, err
	}
	v.sync()
	var wg sync.WaitGroup
	for _, spec := range v.specs() {
		wg.Go(func() {
			for range rounds {
				if _, err := v.runner().Pass(t.Context(), spec, sweep.Request{Full: true}); err != nil {
					t.Errorf("%s: %v", spec.Name, err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, "0", v.scalar(`
		select count(*)
		  from groupchat.chat_history h
		 where known_until <= known_from
		    or not exists (select from groupchat.chat_history n
		                    where n.chat_id = h.chat_id and n.known_from = h.known_until
		                   union all
		                   select from groupchat.chat c
		                    where c.chat_id = h.chat_id and c.known_from >= h.known_until)`))
	require.Equal(t, "100", v.scalar("select max(n) from (select count(*) as n from groupchat.owner group by batch_no) b"))
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat_member where left_before <= left_after"))
}

// Whatever transaction of a pass is chosen to break a circle, it is repeated.
func TestEveryTransactionIsRepeated(t *testing.T) {
	t.Parallel()
	for _, write := range []string{
		"insert on sync.pass", "update on sync.pass", "delete on sync.checkpoint", "insert on groupchat.chat", "insert on sync.page",
	} {
		t.Run(write, func(t *testing.T) {
			t.Parallel()
			v := newTenant(t, 5)
			_, err := v.pool.Exec(t.Context(), `
				create sequence met;
				create function meet() returns trigger language plpgsql as $$
				begin
				    if nextval('met') <= 2 then
				        raise exception using errcode = '40P01';
				    end if;
				    return coalesce(new, old);
				end $$;
				create trigger meet before `+write+` for each statement execute function meet()`)
			require.NoError(t, err)
			for name, res := range v.sync() {
				require.Equal(t, model.OutcomeComplete, res.Outcome, name)
			}
			require.Equal(t, "5", v.scalar("select count(*) from groupchat.chat_member"))
			require.Equal(t, "true", v.scalar("select last_value >= 3 from met"))
		})
	}
}
