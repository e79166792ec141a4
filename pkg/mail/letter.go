package mail

import (
	"context"
	"iter"
	"time"

	"charter/pkg/fault"
)

// Kind is which letter it is.
type Kind string

const (
	Welcome    Kind = "welcome"    // to somebody who became an admin
	Invitation Kind = "invitation" // to somebody who is asked to join
)

// Letter is an order for one e-mail, as data: package letters writes it out.
type Letter struct {
	ID           string // names the order; the same id is the same letter
	Kind         Kind
	To           Address
	Name         string // how to greet, "" when unknown
	Organization string // the organization's name
	Token        string // the one-time token for the letter's link, "" when it has none
	Attempts     int    // how often it was claimed

	// Whom it welcomes, and where: who can then read how far it has come. Both
	// are "" for an invitation.
	UserID, OrganizationID string
}

// Status is how far a letter has come.
type Status string

const (
	Queued Status = "queued" // it waits, perhaps for another try
	Sent   Status = "sent"   // the mail system took it
	Failed Status = "failed" // no try can send it as it is
)

// Delivery is what has become of a letter. The zero Delivery is of none.
type Delivery struct {
	Status    Status
	Attempts  int       // those that have ended
	UpdatedAt time.Time // of Status or Attempts
}

// Unsendable is the error of a Sender for a letter that can never be sent.
// The reason is logged, so it holds no address and no name.
func Unsendable(reason string) error {
	return fault.Fault{Kind: fault.Invalid, Code: "unsendable", Message: reason}
}

// Sender hands a letter to the mail system. A fault.Invalid or fault.Conflict
// means that this letter can never be sent; any other error, that another try
// makes sense. No error means that the mail system took it. The text of an
// error is logged: it holds no address and no name.
type Sender interface {
	Send(ctx context.Context, l Letter) error
}

// Lease is how long a claimed letter belongs to who claimed it. It is longer
// than any try that a Postman makes, so nobody sends beside a sender at work,
// and short, so that the letter of one who died is soon free again.
const Lease = 30 * time.Second

// Outbox keeps the letters that were ordered until they are sent. What becomes
// of a letter is noted, in the same step, with the one whom it welcomes.
type Outbox interface {
	// Claim gives the letter to one caller for the length of the Lease and
	// counts the attempt. fault.NotFound: sent already, never ordered, or to an
	// address that is marked (see Marks): such an order has ended as Failed.
	// fault.Conflict: somebody else holds the lease. fault.Invalid: it has
	// failed for good, or what stands there is no letter; such a letter never
	// becomes fault.NotFound, or its failure would end as a success.
	Claim(ctx context.Context, id string) (Letter, error)
	// Sent ends the order. It is no error when the order has ended already.
	Sent(ctx context.Context, l Letter) error
	// Failed gives the lease back; final says that no further try makes sense.
	// It is no error when the order has ended already.
	Failed(ctx context.Context, l Letter, final bool) error
	// Waiting gives the ids of letters that were ordered before a time and are
	// neither sent nor failed for good, the oldest first. One that was sent a
	// moment ago may be among them. After an error it gives no more.
	Waiting(ctx context.Context, before time.Time) iter.Seq2[string, error]
	// GivenUp gives, likewise, the ids of letters that failed for good before a
	// time.
	GivenUp(ctx context.Context, before time.Time) iter.Seq2[string, error]
	// Revive has a letter that has failed for good wait again. It is no error
	// when the letter has not, or is not there.
	Revive(ctx context.Context, id string) error
}
