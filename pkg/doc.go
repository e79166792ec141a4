// Package pkg is the map of Charter, an organizations service for B2B products.
//
// A request goes one way, and its answer back:
//
//	template.yaml -> functions/<endpoint> -> lambdahttp -> commerce -> org, pricing, customer -> table
//
// What stands where:
//
//	functions/<endpoint>  one statement: which handler serves it, opened with what
//	functions/authorizer  bearer token in, policy and caller out
//	functions/erase-unverified  table stream in, organizations gone
//	functions/mail-letters  table stream in, letters out
//	functions/mark-addresses  what became of letters in, marks of addresses out
//	functions/redrive-letters  letters out that have waited too long
//	functions/seal-audit  table stream in, seals over audit entries out
//	functions/index-associations  table stream in, rolls of associations kept up to date
//	pkg/fault             what can go wrong, in words that a caller may read
//	pkg/text              what a text field may hold, and when two names are one
//	pkg/caller            who is asking
//	pkg/mail              e-mail addresses and letters as data
//	pkg/letters           renders letters
//	pkg/org               organizations: users, members, roles and policies, invitations, plans; and Directory, where they are kept
//	pkg/pricing           currencies (ISO 4217) and price tiers; and Book, where they are kept
//	pkg/customer          customers, the users linked to them, and Query over the links
//	pkg/customer/roll     the associations of a large organization in sheets: their format, and how a page is found
//	pkg/customer/intake   enters customers and their users from a CSV file, row by row, as an ERP exports them
//	pkg/token             access tokens: sign, verify, key sets, issuers
//	pkg/trust             which other issuers' tokens are taken: their keys, and whom their tokens stand for
//	pkg/kms               signs through KMS, with a key that never leaves it
//	pkg/idempotency       one answer for one key
//	pkg/httpapi           what both dialects share: decode, reply, limits, request id, recover
//	pkg/commerce          the /api dialect, one file an endpoint; problem.go maps faults to answers
//	pkg/platform          the /v1 dialect, one file an endpoint; envelope.go maps faults to answers
//	pkg/table             the DynamoDB table: keys.go opens with every access pattern
//	pkg/ses               letters out through SES
//	pkg/env               the only reader of environment variables; opens just what a main asks for
//	pkg/env/signing       opens the keys of access tokens, for the functions that sign or verify
//	pkg/env/mailing       opens what sends letters, for the functions that do
//	pkg/lambdahttp        API Gateway events <-> net/http; caller <- authorizer context
//	pkg/lambdaauth        the authorizer's events: token -> policy, caller -> context
//	pkg/lambdafeedback    marks the addresses whose letters come back, as SES tells through SNS
//	pkg/lambdaschedule    runs a job on a schedule, or by hand
//	pkg/lambdastream      stream batch -> one call a record, failures by sequence number
//	pkg/sam               reads template.yaml: routes, functions, environment
//	pkg/openapi           the OpenAPI 3.1 document of both dialects
//	pkg/local             the laptop: every function behind a gateway made from template.yaml
//	pkg/local/gateway     API Gateway's part
//	pkg/local/dynamo      DynamoDB's part: an embedded table
//	pkg/local/mailbox     SES's part: keeps the letters
//	pkg/local/page        the laptop's page: the API to try, the mailbox, the table, the newest requests
//	pkg/local/watch       keeps what the newest requests did: their log lines, and their calls of AWS
//	pkg/local/provider    a team's OpenID provider's part, in tests
//	pkg/local/direct      a way to a handler without a socket
//	pkg/local/breakage    stands before a stand-in and breaks calls, for tests
//	pkg/local/conversation  text files of requests and expected answers
//	pkg/local/contract    holds requests and answers against an OpenAPI 3.1 document
//	pkg/local/calls       makes calls of every function that succeed, and keeps what each of them asked of AWS
//	pkg/local/bootstrap   builds functions as they are deployed, and runs each of them as Lambda does
//	pkg/local/load        puts a mix of requests on several gateways that share one table
//	pkg/local/smoke       shows that what is deployed works: every function as built, or a stack
//	pkg/local/bench       measures every function as it is deployed, beside the least that could do its work
//	pkg/local/cmd         the command behind make run
//
// Who may import whom, and why, is in layout_test.go, which is a test.
package pkg
