// Command index-associations folds new associations into the rolls that make their lists fast.
package main

import (
	"charter/pkg/env"
	"charter/pkg/lambdastream"
)

func main() {
	lambdastream.Serve("PK", env.Lambda.AssociationRolls().Fold)
}
