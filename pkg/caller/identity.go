package caller

import "time"

// Identity is a person as another issuer's token tells of them.
type Identity struct {
	Issuer       string    // as it is configured
	Subject      string    // who it is, among that issuer's people
	Email        string    // as the token has it, "" unless the issuer has verified it
	Organization string    // the organization's code or id, as the token has it; "" when it names none
	Expires      time.Time // when the token ends
}
