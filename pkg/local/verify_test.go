package local_test

import (
	"testing"

	"charter/pkg/local/conversation"
)

// verify makes the e-mail of an account verified, by the link that was mailed.
func (s service) verify(t *testing.T, email, password string) {
	t.Helper()
	conversation.Run(t, s, "testdata/verify.txt", map[string]string{"email": email, "password": password})
}
