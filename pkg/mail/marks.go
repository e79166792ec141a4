package mail

import "context"

// Reason is why an address gets no more letters.
type Reason string

const (
	Bounced    Reason = "bounced"    // its mail system refuses it for good
	Complained Reason = "complained" // who reads there called a letter spam
)

// Marks keeps the addresses that get no more letters: whoever goes on writing to
// them is soon taken for a spammer, and then nobody's letters arrive.
// https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
type Marks interface {
	// Mark marks the address of a letter that the mail system had taken, and
	// notes the letter as Failed with the one whom it welcomes. Of the letter it
	// needs no more than To and what Tags keeps; without its tags only the
	// address is marked.
	Mark(ctx context.Context, l Letter, why Reason) error
	// Forget takes the mark away, for letters to come. It is no error where
	// there is none.
	Forget(ctx context.Context, to Address) error
}

// Tags are texts of A-Z, a-z, 0-9, _ and - that travel with the letter, and come
// back with whatever the mail system tells of it.
func (l Letter) Tags() map[string]string {
	tags := map[string]string{"letter": l.ID}
	if l.UserID != "" {
		tags["user"], tags["organization"] = l.UserID, l.OrganizationID
	}
	return tags
}

// ReadTags is as much of a letter to an address as its tags tell.
func ReadTags(to Address, tags map[string]string) Letter {
	return Letter{ID: tags["letter"], To: to, UserID: tags["user"], OrganizationID: tags["organization"]}
}
