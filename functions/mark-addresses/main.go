// Command mark-addresses marks the addresses whose letters come back.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdafeedback"
)

func main() {
	lambdafeedback.Serve(env.Lambda.Letters())
}
