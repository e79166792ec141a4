package lambdaauth

import (
	"encoding/json"
	"errors"
	"strings"
)

var (
	errEvent = errors.New("authorizer: not the event of a TOKEN authorizer")
	errARN   = errors.New("authorizer: methodArn is not a method of a REST API")
)

// decode reads an event: the Authorization header, and the resource that
// stands for every route of the stage. No error repeats the event.
func decode(event []byte) (authorization, resource string, err error) {
	var e struct {
		Type               string
		MethodARN          string  `json:"methodArn"`
		AuthorizationToken *string `json:"authorizationToken"`
	}
	if json.Unmarshal(event, &e) != nil || e.Type != "TOKEN" || e.AuthorizationToken == nil {
		return "", "", errEvent
	}
	resource, err = everyRoute(e.MethodARN)
	return *e.AuthorizationToken, resource, err
}

// everyRoute turns the ARN of a method into that of all methods on all paths:
//
//	arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/api/organization
//	arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/*/*
//
// The parts are checked, for whatever else is in them would be in the policy.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
func everyRoute(arn string) (string, error) {
	part := strings.SplitN(arn, ":", 6)
	if len(part) != 6 {
		return "", errARN
	}
	path := strings.SplitN(part[5], "/", 4)
	if len(path) != 4 {
		return "", errARN
	}
	const lower, upper, digit = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	account, api, stage, method := part[4], path[0], path[1], path[2]
	switch {
	case part[0] != "arn", !of(part[1], lower+"-"), part[2] != "execute-api", !of(part[3], lower+digit+"-"),
		len(account) != 12, !of(account, digit), !of(api, lower+digit), !of(stage, lower+upper+digit+"_-"),
		!of(method, upper):
		return "", errARN
	}
	return strings.Join(part[:5], ":") + ":" + api + "/" + stage + "/*/*", nil
}

// of reports whether s is one or more letters of the alphabet.
func of(s, alphabet string) bool { return s != "" && strings.Trim(s, alphabet) == "" }
