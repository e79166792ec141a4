package table

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"charter/pkg/caller"
	"charter/pkg/customer"
	"charter/pkg/fault"
	"charter/pkg/mail"
	"charter/pkg/org"
	"charter/pkg/pricing"
)

// pattern is an access pattern of keys.go, as a company uses it.
type pattern struct {
	name    string // as in keys.go
	variant string // what sets it apart from others of the name
	caller  whose
	writes  bool
	keyed   bool // takes an Idempotency-Key

	// call succeeds. What it returns shows all of the result.
	call func(ctx context.Context, co *company, c caller.Caller) (string, error)

	// refused is refused to whoever may call, with these faults.
	refused func(ctx context.Context, co *company, c caller.Caller) (string, error)
	faults  []fault.Fault
}

func (p pattern) String() string {
	if p.variant == "" {
		return p.name
	}
	return p.name + " for " + p.variant
}

// whose call it is.
type whose int

const (
	nobodys whose = iota // takes no caller
	owners
	clients
)

func (p pattern) by(co *company) caller.Caller {
	return []caller.Caller{{}, co.owner, co.client}[p.caller]
}

// asks reports whether the pattern is for those with the Admin role.
func (p pattern) asks() bool { return p.caller != nobodys }

type callFunc = func(ctx context.Context, co *company, c caller.Caller) (string, error)

func done(err error) (string, error) { return "", err }

func show[T any](v T, err error) (string, error) { return fmt.Sprintf("%+v", v), err }

func showRecord(r org.Record, err error) (string, error) {
	r.Tiers.Live = r.Tiers.List() // which are in no order
	return show(r, err)
}

func found(name, email string) callFunc {
	return func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.found(ctx, application(name, email), ofNobody)) // hashing is all that Found adds
	}
}

func change(name string) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		city := "Otherwhere"
		return showRecord(Directory{co.Table}.Change(ctx, c, org.Changes{Name: &name, City: &city}))
	}
}

func promote(email string) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Directory{co.Table}.Promote(ctx, c, addressOf(email)))
	}
}

func demote(user func(co *company) string) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Directory{co.Table}.Demote(ctx, c, user(co)))
	}
}

func addClient(ctx context.Context, co *company, c caller.Caller) (string, error) {
	client, secret, err := Directory{co.Table}.AddClient(ctx, c, "Third")
	return show(client.ID+" "+secret.Reveal(), err)
}

func removeClient(client func(co *company) string) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Directory{co.Table}.RemoveClient(ctx, c, client(co)))
	}
}

func addTier(name pricing.TierName) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Book{co.Table}.Add(ctx, c, name, "JPY"))
	}
}

func changeTier(old, name pricing.TierName) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Book{co.Table}.Change(ctx, c, old, name, "SEK"))
	}
}

func removeTier(name, heir pricing.TierName) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return done(Book{co.Table}.Remove(ctx, c, name, heir))
	}
}

func enter(n customer.Number, tier pricing.TierName) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return show(Register{co.Table}.Enter(ctx, c, entry(n, tier)))
	}
}

func readCustomerOf(n customer.Number) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return show(Register{co.Table}.Customer(ctx, c, n))
	}
}

func associate(user func(co *company) string, n customer.Number) callFunc {
	return func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		a, made, err := Register{co.Table}.Associate(ctx, c, user(co), n)
		return show(fmt.Sprintf("%+v %v", a, made), err)
	}
}

func enrich(user func(co *company) string, n customer.Number) callFunc {
	return func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		c := co.userCaller(co.member)
		c.OrgCode = "" // so that the code has to be looked up
		return show(Register{co.Table}.Enrich(ctx, c, co.Code, user(co), n))
	}
}

func adminID(co *company) string    { return co.admin.UserID }
func memberID(co *company) string   { return co.member.ID }
func strangerID(co *company) string { return co.stranger.ID }
func spareID(co *company) string    { return co.spare.ID }
func nobodyID(co *company) string   { return nobody }
func ownID(co *company) string      { return "" }

// patterns are all there are, each at least once.
var patterns = []pattern{
	{name: "Directory.Found", writes: true, keyed: true, call: found("New Corp", "new@new.example"),
		refused: found("ACME  corp", "new@new.example"), faults: []fault.Fault{org.NameTaken}},
	{name: "Directory.Found", variant: "a known e-mail", writes: true, keyed: true, call: found("New Corp", "MARY@shop.example")},
	{name: "Directory.Record", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return showRecord(Directory{co.Table}.Record(ctx, c))
	}},
	{name: "Directory.Change", caller: owners, writes: true, keyed: true, call: change("Acme Inc"),
		refused: change("mary's shop"), faults: []fault.Fault{org.NameTaken}},
	{name: "Directory.Admins", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return show(Directory{co.Table}.Admins(ctx, c))
	}},
	{name: "Directory.Promote", caller: owners, writes: true, keyed: true, call: promote("Stan@shop.example"),
		refused: promote("nobody@shop.example"), faults: []fault.Fault{org.UnknownAccount}},
	{name: "Directory.Promote", variant: "a member", caller: clients, writes: true, keyed: true, call: promote("mary@shop.example")},
	{name: "Directory.Demote", caller: owners, writes: true, keyed: true, call: demote(adminID),
		refused: demote(memberID), faults: []fault.Fault{org.NotAnAdmin}},
	{name: "Directory.Demote", variant: "an API client", caller: clients, writes: true, keyed: true, call: demote(adminID)},
	{name: "Directory.Account", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Account(ctx, addressOf("mary@shop.example"), "192.0.2.1"))
	}, refused: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Account(ctx, addressOf("nobody@shop.example"), "192.0.2.1"))
	}, faults: []fault.Fault{org.UnknownAccount}},
	{name: "Directory.Verify", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(co.verify(co.link))
	}},
	{name: "Directory.Expire", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Directory{co.Table}.Expire(ctx, co.ID)) // nothing, for its time is not over
	}},
	{name: "Directory.Standing", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Standing(ctx, co.member.ID, co.ID))
	}, refused: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Standing(ctx, co.stranger.ID, co.ID))
	}, faults: []fault.Fault{org.UnknownAccount}},
	{name: "Directory.Recognize", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Recognize(ctx, co.linked()))
	}, refused: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Recognize(ctx, fromAbroad("nobody@shop.example")))
	}, faults: []fault.Fault{org.UnknownAccount}},
	{name: "Directory.Recognize", variant: "one to link", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Recognize(ctx, fromAbroad("mary@shop.example")))
	}},
	{name: "Directory.AddClient", caller: owners, writes: true, keyed: true, call: addClient},
	{name: "Directory.Clients", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return show(Directory{co.Table}.Clients(ctx, c))
	}},
	{name: "Directory.RemoveClient", caller: owners, writes: true, keyed: true, call: removeClient(spareID),
		refused: removeClient(nobodyID), faults: []fault.Fault{org.UnknownClient}},
	{name: "Directory.Client", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Client(ctx, co.spare.ID, "192.0.2.1"))
	}, refused: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Directory{co.Table}.Client(ctx, "client_of_nobody", "192.0.2.1"))
	}, faults: []fault.Fault{org.UnknownClient}},
	{name: "Book.Tiers", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		tiers, err := Book{co.Table}.Tiers(ctx, c)
		return show(tiers.List(), err)
	}},
	{name: "Book.Add", caller: owners, writes: true, keyed: true, call: addTier("Iron"),
		refused: addTier("GOLD"), faults: []fault.Fault{pricing.NameTaken}},
	{name: "Book.Change", caller: owners, writes: true, keyed: true, call: changeTier(gold, "Platinum"),
		refused: changeTier("Iron", silver), faults: []fault.Fault{pricing.UnknownTier.In("OldName"), pricing.NameTaken.In("NewName")}},
	{name: "Book.Remove", caller: owners, writes: true, keyed: true, call: removeTier(silver, ""),
		refused: removeTier(gold, ""), faults: []fault.Fault{pricing.TierInUse(1)}},
	{name: "Book.Remove", variant: "one with an heir", caller: owners, writes: true, keyed: true, call: removeTier(gold, silver),
		refused: removeTier("Iron", "Steel"), faults: []fault.Fault{pricing.UnknownTier, pricing.UnknownTier.In("ReplaceWith")}},
	{name: "Register.Enter", caller: owners, writes: true, keyed: true, call: enter("1002", silver),
		refused: enter("1002", "Iron"), faults: []fault.Fault{pricing.UnknownTier.In("pricing")}},
	{name: "Register.Enter", variant: "one who is there", caller: clients, writes: true, keyed: true, call: enter("1001", silver)},
	{name: "Register.Customer", caller: owners, call: readCustomerOf("1001"),
		refused: readCustomerOf("1002"), faults: []fault.Fault{customer.Unknown}},
	{name: "Register.Associate", caller: owners, writes: true, keyed: true, call: associate(memberID, "1002"),
		refused: associate(nobodyID, "1002"), faults: []fault.Fault{customer.UnknownUser}},
	{name: "Register.Associate", variant: "a new member", caller: owners, writes: true, keyed: true, call: associate(strangerID, "1001")},
	{name: "Register.Associations", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		q, err := customer.ParseQuery(url.Values{})
		if err != nil {
			return "", err
		}
		return show(Register{co.Table}.Associations(ctx, c, q))
	}},
	{name: "Roll.Fold", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Roll{co.Table}.Fold(ctx, logPartition(co.ID)))
	}},
	{name: "Register.Enrich", call: enrich(ownID, ""), refused: enrich(ownID, "1002"), faults: []fault.Fault{customer.NotLinked}},
	{name: "Register.Enrich", variant: "a named customer", call: enrich(ownID, "1001")},
	{name: "Trail.Entries", caller: owners, call: func(ctx context.Context, co *company, c caller.Caller) (string, error) {
		return show(Trail{co.Table}.Entries(ctx, c, 5, ""))
	}},
	{name: "Trail.Seal", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Trail{co.Table}.Seal(ctx, co.ID))
	}},
	{name: "Outbox.Claim", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(Outbox{co.Table}.Claim(ctx, co.letter))
	}},
	{name: "Outbox.Sent", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Outbox{co.Table}.Sent(ctx, mail.Letter{ID: co.letter}))
	}},
	{name: "Outbox.Failed", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Outbox{co.Table}.Failed(ctx, mail.Letter{ID: co.letter}, true))
	}},
	{name: "Outbox.Waiting", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(listed(Outbox{co.Table}.Waiting(ctx, co.Now().Add(time.Hour))))
	}},
	{name: "Outbox.GivenUp", call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return show(listed(Outbox{co.Table}.GivenUp(ctx, co.Now().Add(time.Hour))))
	}},
	{name: "Outbox.Revive", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Outbox{co.Table}.Revive(ctx, co.spoilt))
	}},
	{name: "Outbox.Mark", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Outbox{co.Table}.Mark(ctx, mail.Letter{ID: co.letter, To: addressOf("mary@shop.example")}, mail.Bounced))
	}},
	{name: "Outbox.Forget", writes: true, call: func(ctx context.Context, co *company, _ caller.Caller) (string, error) {
		return done(Outbox{co.Table}.Forget(ctx, addressOf("mary@shop.example")))
	}},
}
