package mail

import (
	"context"
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

// Outbox keeps the letters that were ordered until they are sent.
type Outbox interface {
	// Claim gives the letter to one caller for the length of the Lease and
	// counts the attempt. fault.NotFound: sent already, or never ordered.
	// fault.Conflict: somebody else holds the lease. fault.Invalid: it has
	// failed for good, or what stands there is no letter; such a letter never
	// becomes fault.NotFound, or its failure would end as a success.
	Claim(ctx context.Context, id string) (Letter, error)
	// Sent ends the order. It is no error when the order has ended already.
	Sent(ctx context.Context, id string) error
	// Failed gives the lease back; final says that no further try makes sense.
	Failed(ctx context.Context, id string, final bool) error
}
