// Command mail-letters sends the letters that the table's stream announces.
package main

import (
	"charter/pkg/env"
	"charter/pkg/env/mailing"
	"charter/pkg/lambdastream"
)

func main() {
	lambdastream.Serve("LetterId", mailing.Postman(env.Lambda).Deliver)
}
