package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func race(n int, f func(i int) error) (ok int64, byCode map[string]int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	byCode = map[string]int{}
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			err := f(i)
			if err == nil {
				atomic.AddInt64(&ok, 1)
				return
			}
			gc, _ := code(err)
			if r, isTx := reasons(err); isTx {
				gc += "[" + codes(r) + "]"
			}
			mu.Lock()
			byCode[gc]++
			mu.Unlock()
		})
	}
	close(start)
	wg.Wait()
	return
}

var concChecks = []check{
	{"concurrency", "100_conditional_puts_one_wins", func(c *checker) error {
		for round := range 5 {
			sk := fmt.Sprint("r", round)
			ok, bc := race(100, func(i int) error {
				_, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.table, Item: c.item(sk, attributes{"w": N(fmt.Sprint(i))}), ConditionExpression: s("attribute_not_exists(pk)")})
				return err
			})
			if ok != 1 || bc[condEx] != 99 {
				return fmt.Errorf("round %d: %d won, failures %v", round, ok, bc)
			}
		}
		return nil
	}},
	{"concurrency", "100_adds_count_100", func(c *checker) error {
		ok, bc := race(100, func(int) error {
			_, err := c.update("n", "ADD n :i", "", nil, attributes{":i": N("1")}, "")
			return err
		})
		if ok != 100 {
			return fmt.Errorf("%d ok, %v", ok, bc)
		}
		got, err := c.get("n")
		if err != nil {
			return err
		}
		return eq("counter", showItem(attrs(got)), "{n:N(100)}")
	}},
	{"concurrency", "optimistic_lock_one_wins", func(c *checker) error {
		if err := c.put("a", attributes{"ver": N("1")}); err != nil {
			return err
		}
		ok, bc := race(50, func(int) error {
			_, err := c.update("a", "SET ver = ver + :i", "ver = :v", nil, attributes{":i": N("1"), ":v": N("1")}, "")
			return err
		})
		if ok != 1 || bc[condEx] != 49 {
			return fmt.Errorf("%d won, %v", ok, bc)
		}
		return nil
	}},
	{"concurrency", "50_unique_transactions_one_wins", func(c *checker) error {
		ok, bc := race(50, func(i int) error {
			return c.tx("", c.txPut("email#x", attributes{"u": N(fmt.Sprint(i))}, "attribute_not_exists(pk)"), c.txPut(fmt.Sprintf("user#%02d", i), nil, "attribute_not_exists(pk)"))
		})
		if ok != 1 {
			return fmt.Errorf("%d won, %v", ok, bc)
		}
		n := 0
		for k, v := range bc {
			if strings.HasPrefix(k, "TransactionCanceledException[") {
				n += v
			}
		}
		if n != 49 {
			return fmt.Errorf("failures %v", bc)
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
		if err != nil {
			return err
		}
		if o.Count != 2 {
			return fmt.Errorf("%d items left by one winner", o.Count)
		}
		return nil
	}},
	{"concurrency", "transfers_keep_the_sum", func(c *checker) error {
		if err := all(c.put("x", attributes{"n": N("1000")}), c.put("y", attributes{"n": N("1000")})); err != nil {
			return err
		}
		var done atomic.Bool
		var bad atomic.Value
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := 0; i < 200 && !done.Load(); i++ {
				g := func(sk string) types.TransactGetItem {
					return types.TransactGetItem{Get: &types.Get{TableName: &c.table, Key: c.k(sk)}}
				}
				o, err := c.db.TransactGetItems(c.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{g("x"), g("y")}})
				if err != nil {
					continue
				}
				var a, b int
				fmt.Sscan(o.Responses[0].Item["n"].(*types.AttributeValueMemberN).Value, &a)
				fmt.Sscan(o.Responses[1].Item["n"].(*types.AttributeValueMemberN).Value, &b)
				if a+b != 2000 {
					bad.Store(fmt.Sprintf("a reader saw %d+%d", a, b))
				}
			}
		})
		ok, bc := race(16, func(i int) error {
			for j := range 10 {
				from, to := "x", "y"
				if (i+j)%2 == 1 {
					from, to = to, from
				}
				var err error
				for range 100 {
					if err = c.tx("", c.txUpd(from, "SET n = n - :i", "n >= :i", attributes{":i": N("1")}), c.txUpd(to, "SET n = n + :i", "", attributes{":i": N("1")})); err == nil {
						break
					}
					if _, isTx := reasons(err); !isTx {
						return err
					}
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		done.Store(true)
		wg.Wait()
		if ok != 16 {
			return fmt.Errorf("%d of 16 workers, %v", ok, bc)
		}
		if b := bad.Load(); b != nil {
			return errors.New(b.(string))
		}
		got, err := c.dump()
		if err != nil {
			return err
		}
		return eq("end", got, "x{n:N(1000)} y{n:N(1000)}")
	}},
}
