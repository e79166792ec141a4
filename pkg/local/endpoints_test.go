package local_test

type endpoint struct {
	route    string
	outcomes string
}

var endpoints = []endpoint{}
