// Command redrive-letters sends the letters that have waited too long.
package main

import (
	"charter/pkg/env"
	"charter/pkg/env/mailing"
	"charter/pkg/lambdaschedule"
)

func main() {
	lambdaschedule.Serve(mailing.Redrive(env.Lambda).Run)
}
