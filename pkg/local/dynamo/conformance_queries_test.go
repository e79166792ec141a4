package dynamo_test

import (
	"errors"
	"fmt"
	"maps"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func pages(c *checker, in *dynamodb.QueryInput) (all []attributes, sizes []int, lek []attributes, err error) {
	for range 200 {
		o, err := c.db.Query(c.ctx, in)
		if err != nil {
			return nil, nil, nil, err
		}
		all = append(all, o.Items...)
		sizes = append(sizes, len(o.Items))
		if len(o.LastEvaluatedKey) == 0 {
			return all, sizes, lek, nil
		}
		lek = append(lek, o.LastEvaluatedKey)
		in.ExclusiveStartKey = o.LastEvaluatedKey
	}
	return nil, nil, nil, errors.New("paging never ended")
}

var queryChecks = []check{
	{"query", "key_conditions_all_operators", func(c *checker) error {
		for _, k := range []string{"a", "b#1", "b#2", "b#3", "c", "d"} {
			if err := c.put(k, nil); err != nil {
				return err
			}
		}
		var e []error
		for _, t := range []struct {
			cond string
			v    attributes
			want string
		}{
			{"pk = :p", nil, "a,b#1,b#2,b#3,c,d"}, {"pk = :p AND begins_with(sk, :a)", attributes{":a": S("b#")}, "b#1,b#2,b#3"}, {"pk = :p AND sk BETWEEN :a AND :b", attributes{":a": S("b#2"), ":b": S("c")}, "b#2,b#3,c"},
			{"pk = :p and sk < :a", attributes{":a": S("b#2")}, "a,b#1"}, {"pk = :p AND sk <= :a", attributes{":a": S("b#2")}, "a,b#1,b#2"}, {"pk = :p AND sk > :a", attributes{":a": S("c")}, "d"}, {"pk = :p AND sk >= :a", attributes{":a": S("c")}, "c,d"},
			{"sk = :a AND pk = :p", attributes{":a": S("c")}, "c"}, {"(pk = :p) AND (sk = :a)", attributes{":a": S("c")}, "c"}, {":p = pk", nil, "a,b#1,b#2,b#3,c,d"},
		} {
			v := attributes{":p": S(c.pk)}
			maps.Copy(v, t.v)
			o, err := c.q(t.cond, v, nil)
			if err != nil {
				e = append(e, fmt.Errorf("%s: %w", t.cond, err))
				continue
			}
			e = append(e, eq(t.cond, sks(o.Items), t.want))
		}
		return all(e...)
	}},
	{"query", "sort_bytes_and_reverse", func(c *checker) error {
		for _, k := range []string{"b", "B", "a", "é", "☃", "😀", "10", "9", "~", "ﬀ"} {
			if err := c.put(k, nil); err != nil {
				return err
			}
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
		if err != nil {
			return err
		}
		r, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.ScanIndexForward = aws.Bool(false) })
		if err != nil {
			return err
		}
		// U+FB00 sorts before U+1F600 in UTF-8, after it in UTF-16
		return all(eq("forward (UTF-8 bytes)", sks(o.Items), "10,9,B,a,b,~,é,☃,ﬀ,😀"), eq("reverse", sks(r.Items), "😀,ﬀ,☃,é,~,b,a,B,9,10"))
	}},
	{"query", "numeric_sort_key_order", func(c *checker) error {
		for _, n := range []string{"10", "9", "-1", "-20", "0", "1.5", "100000000000000000000000000000000001", "100000000000000000000000000000000002", "1e-30"} {
			if _, err := c.db.PutItem(c.ctx, &dynamodb.PutItemInput{TableName: &c.numbers, Item: attributes{"pk": S(c.pk), "sk": N(n)}}); err != nil {
				return err
			}
		}
		o, err := c.db.Query(c.ctx, &dynamodb.QueryInput{TableName: &c.numbers, KeyConditionExpression: s("pk = :p AND sk BETWEEN :a AND :b"), ExpressionAttributeValues: attributes{":p": S(c.pk), ":a": N("-5"), ":b": N("1e36")}})
		if err != nil {
			return err
		}
		return eq("order", sks(o.Items), "N(-1),N(0),N(0.000000000000000000000000000001),N(1.5),N(9),N(10),N(100000000000000000000000000000000001),N(100000000000000000000000000000000002)")
	}},
	{"query", "limit_pagination_table", func(c *checker) error {
		if err := c.load(25, nil); err != nil {
			return err
		}
		for _, fwd := range []bool{true, false} {
			items, sizes, lek, err := pages(c, &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}, Limit: aws.Int32(7), ScanIndexForward: &fwd})
			if err != nil {
				return err
			}
			if fmt.Sprint(sizes) != "[7 7 7 4]" {
				return fmt.Errorf("forward %v: page sizes %v", fwd, sizes)
			}
			var want []string
			for i := range 25 {
				want = append(want, fmt.Sprintf("i%03d", i))
			}
			if !fwd {
				sort.Sort(sort.Reverse(sort.StringSlice(want)))
			}
			if e := all(eq("items", sks(items), strings.Join(want, ",")), eq("LastEvaluatedKey", showItem(lek[0]), showItem(c.k(want[6])))); e != nil {
				return e
			}
		}
		// a page that ends exactly at the last item still carries a LastEvaluatedKey
		_, sizes, _, err := pages(c, &dynamodb.QueryInput{TableName: &c.table, KeyConditionExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}, Limit: aws.Int32(5)})
		if err != nil {
			return err
		}
		if fmt.Sprint(sizes) != "[5 5 5 5 5 0]" {
			return fmt.Errorf("exact multiple: page sizes %v; AWS gives a last empty page", sizes)
		}
		return nil
	}},
	{"query", "exclusive_start_key_of_absent_item", func(c *checker) error {
		if err := c.load(10, nil); err != nil {
			return err
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = c.k("i004x") })
		if err != nil {
			return err
		}
		return eq("items", sks(o.Items), "i005,i006,i007,i008,i009")
	}},
	{"query", "gsi_sparse_ties_pagination", func(c *checker) error {
		// 20 items share 4 index sort keys; 5 more are not in the index
		if err := c.load(25, func(i int) attributes {
			if i >= 20 {
				return attributes{"x": S("sparse")}
			}
			return attributes{"g1pk": S(c.pk), "g1sk": S(fmt.Sprintf("t%d", i%4)), "x": S("y")}
		}); err != nil {
			return err
		}
		items, _, lek, err := pages(c, &dynamodb.QueryInput{TableName: &c.table, IndexName: s("GSI1"), KeyConditionExpression: s("g1pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}, Limit: aws.Int32(3)})
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		prev := ""
		for _, it := range items {
			k := show(it["sk"])
			if seen[k] {
				return fmt.Errorf("item %s came twice", k)
			}
			seen[k] = true
			g := show(it["g1sk"])
			if g < prev {
				return fmt.Errorf("order: %s after %s", g, prev)
			}
			prev = g
			if it["x"] == nil {
				return errors.New("ALL projection lost x")
			}
		}
		if len(seen) != 20 {
			return fmt.Errorf("%d items over the pages, want 20", len(seen))
		}
		if len(lek) == 0 || len(lek[0]) != 4 {
			return fmt.Errorf("LastEvaluatedKey %v, want pk, sk, g1pk, g1sk", lek)
		}
		r, err := c.q("g1pk = :p AND g1sk = :s", attributes{":p": S(c.pk), ":s": S("t2")}, func(in *dynamodb.QueryInput) {
			in.IndexName = s("GSI1")
			in.ScanIndexForward = aws.Bool(false)
		})
		if err != nil {
			return err
		}
		if r.Count != 5 {
			return fmt.Errorf("g1sk = t2 gave %d", r.Count)
		}
		return nil
	}},
	{"query", "gsi_follows_updates", func(c *checker) error {
		if err := all(c.put("a", attributes{"g1pk": S(c.pk), "g1sk": S("1"), "v": N("1")}), c.put("b", attributes{"g1pk": S(c.pk), "g1sk": S("2")}), c.put("c", attributes{"g1pk": S(c.pk), "g1sk": S("3")})); err != nil {
			return err
		}
		if _, err := c.update("a", "SET g1sk = :s, v = :v", "", nil, attributes{":s": S("9"), ":v": N("2")}, ""); err != nil {
			return err
		}
		if _, err := c.update("b", "REMOVE g1pk", "", nil, nil, ""); err != nil {
			return err
		}
		if err := c.put("c", attributes{"z": S("no index keys any more")}); err != nil {
			return err
		}
		o, err := c.q("g1pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI1") })
		if err != nil {
			return err
		}
		got := ""
		for _, it := range o.Items {
			got += showItem(attributes{"sk": it["sk"], "g1sk": it["g1sk"], "v": it["v"]})
		}
		return eq("index", got, `{g1sk:S("9") sk:S("a") v:N(2)}`)
	}},
	{"query", "gsi_include_projection", func(c *checker) error {
		if err := c.put("a", attributes{"g2pk": S(c.pk), "inc": S("yes"), "outside": S("no")}); err != nil {
			return err
		}
		o, err := c.q("g2pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.IndexName = s("GSI2") })
		if err != nil {
			return err
		}
		if len(o.Items) != 1 {
			return fmt.Errorf("%d items", len(o.Items))
		}
		e1 := eq("projected", showItem(o.Items[0]), showItem(c.item("a", attributes{"g2pk": S(c.pk), "inc": S("yes")})))
		_, err = c.q("g2pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) {
			in.IndexName = s("GSI2")
			in.ProjectionExpression = s("outside")
		})
		e2 := c.want(err, valEx, "Global secondary index GSI2 does not project")
		_, err = c.q("g2pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) {
			in.IndexName, in.FilterExpression = s("GSI2"), s("attribute_exists(inc) OR attribute_exists(outside)")
		})
		e3 := c.want(err, valEx, "Secondary index GSI2 does not project one or more filter attributes: [outside]")
		out, err := c.db.Scan(c.ctx, &dynamodb.ScanInput{TableName: &c.table, IndexName: s("GSI2"), FilterExpression: s("attribute_exists(inc) OR attribute_exists(outside)")})
		if err != nil {
			return err
		}
		return all(e1, e2, e3, eq("a scan", sks(out.Items), "a"))
	}},
	{"query", "gsi_consistent_read_rejected", func(c *checker) error {
		_, err := c.q("g1pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) {
			in.IndexName = s("GSI1")
			in.ConsistentRead = aws.Bool(true)
		})
		return c.want(err, valEx, "Consistent reads are not supported on global secondary indexes")
	}},
	{"query", "filter_after_limit", func(c *checker) error {
		if err := c.load(20, func(i int) attributes { return attributes{"n": N(fmt.Sprint(i))} }); err != nil {
			return err
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk), ":n": N("8")}, func(in *dynamodb.QueryInput) {
			in.FilterExpression = s("n >= :n")
			in.Limit = aws.Int32(10)
		})
		if err != nil {
			return err
		}
		if o.Count != 2 || o.ScannedCount != 10 {
			return fmt.Errorf("Count %d ScannedCount %d, want 2 and 10", o.Count, o.ScannedCount)
		}
		return eq("LastEvaluatedKey", showItem(o.LastEvaluatedKey), showItem(c.k("i009")))
	}},
	{"query", "filter_on_key_rejected", func(c *checker) error {
		_, err := c.q("pk = :p", attributes{":p": S(c.pk), ":s": S("a")}, func(in *dynamodb.QueryInput) { in.FilterExpression = s("sk = :s") })
		return c.want(err, valEx, "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk")
	}},
	{"query", "select_count", func(c *checker) error {
		if err := c.load(12, func(i int) attributes { return attributes{"n": N(fmt.Sprint(i))} }); err != nil {
			return err
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk), ":n": N("10")}, func(in *dynamodb.QueryInput) {
			in.FilterExpression = s("n < :n")
			in.Select = types.SelectCount
		})
		if err != nil {
			return err
		}
		if o.Count != 10 || o.ScannedCount != 12 || len(o.Items) != 0 {
			return fmt.Errorf("Count %d ScannedCount %d Items %d", o.Count, o.ScannedCount, len(o.Items))
		}
		return nil
	}},
	{"query", "projection_with_names", func(c *checker) error {
		if err := c.put("a", attributes{"status": S("x"), "m": M(attributes{"a": N("1"), "b": N("2")}), "z": S("n")}); err != nil {
			return err
		}
		o, err := c.q("#p = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) {
			in.ExpressionAttributeNames = map[string]string{"#p": "pk", "#s": "status"}
			in.ProjectionExpression = s("#s, m.b")
		})
		if err != nil {
			return err
		}
		return eq("item", showItem(o.Items[0]), `{m:{b:N(2)} status:S("x")}`)
	}},
	{"query", "bad_key_conditions_rejected", func(c *checker) error {
		_, e1 := c.q("sk = :s", attributes{":s": S("a")}, nil)
		_, e2 := c.q("pk = :p OR sk = :s", attributes{":p": S("a"), ":s": S("a")}, nil)
		_, e3 := c.q("pk = :p AND x = :s", attributes{":p": S("a"), ":s": S("a")}, nil)
		_, e4 := c.q("pk > :p", attributes{":p": S("a")}, nil)
		_, e5 := c.q("pk = :p", attributes{":p": N("1")}, nil)
		_, e6 := c.q("pk = :p AND sk BETWEEN :b AND :a", attributes{":p": S("a"), ":b": S("b"), ":a": S("a")}, nil)
		_, e7 := c.q("pk = :p", attributes{":p": S("a")}, func(in *dynamodb.QueryInput) { in.IndexName = s("nope") })
		return all(c.want(e1, valEx, "Query condition missed key schema element: pk"), c.want(e2, valEx, "Invalid operator used in KeyConditionExpression: OR"), c.want(e3, valEx, "Query condition missed key schema element: sk"),
			c.want(e4, valEx, "Query key condition not supported"), c.want(e5, valEx, "One or more parameter values were invalid: Condition parameter type does not match schema type"),
			c.want(e6, valEx, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"), c.want(e7, valEx, "The table does not have the specified index: nope"))
	}},
	{"query", "bad_start_key_rejected", func(c *checker) error {
		_, e1 := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attributes{"pk": S("other"), "sk": S("a")} })
		_, e2 := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attributes{"pk": S(c.pk)} })
		return all(c.want(e1, valEx, "The provided starting key is outside query boundaries based on provided conditions"), c.want(e2, valEx, "The provided starting key is invalid"))
	}},
	{"query", "one_megabyte_pages", func(c *checker) error {
		big := S(strings.Repeat("x", 100*1024))
		for i := range 12 {
			if err := c.put(fmt.Sprintf("i%03d", i), attributes{"v": big}); err != nil {
				return err
			}
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, nil)
		if err != nil {
			return err
		}
		if o.Count >= 12 || len(o.LastEvaluatedKey) == 0 {
			return fmt.Errorf("1.2 MB came in one page of %d", o.Count)
		}
		if o.Count < 10 || o.Count > 11 {
			return fmt.Errorf("first page %d items; AWS about 10-11", o.Count)
		}
		return nil
	}},
	{"query", "limit_zero_rejected", func(c *checker) error {
		_, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) })
		return c.want(err, valEx, "")
	}},
	{"query", "scan_filter_pages_and_segments", func(c *checker) error {
		if err := c.load(30, func(i int) attributes { return attributes{"mark": S(c.pk)} }); err != nil {
			return err
		}
		seen := map[string]int{}
		for seg := range int32(3) {
			in := &dynamodb.ScanInput{TableName: &c.table, FilterExpression: s("mark = :m"), ExpressionAttributeValues: attributes{":m": S(c.pk)}, Limit: aws.Int32(50), Segment: aws.Int32(seg), TotalSegments: aws.Int32(3)}
			for range 300 {
				o, err := c.db.Scan(c.ctx, in)
				if err != nil {
					return err
				}
				if o.ScannedCount > 50 {
					return fmt.Errorf("Limit 50 scanned %d", o.ScannedCount)
				}
				for _, it := range o.Items {
					seen[show(it["sk"])]++
				}
				if len(o.LastEvaluatedKey) == 0 {
					break
				}
				in.ExclusiveStartKey = o.LastEvaluatedKey
			}
		}
		for k, n := range seen {
			if n != 1 {
				return fmt.Errorf("%s seen %d times", k, n)
			}
		}
		if len(seen) != 30 {
			return fmt.Errorf("%d items, want 30", len(seen))
		}
		return nil
	}},
	{"query", "scan_index", func(c *checker) error {
		if err := c.put("a", attributes{"g2pk": S(c.pk)}); err != nil {
			return err
		}
		o, err := c.db.Scan(c.ctx, &dynamodb.ScanInput{TableName: &c.table, IndexName: s("GSI2"), FilterExpression: s("pk = :p"), ExpressionAttributeValues: attributes{":p": S(c.pk)}})
		if err != nil {
			return err
		}
		if o.Count != 1 {
			return fmt.Errorf("count %d", o.Count)
		}
		return nil
	}},
	{"query", "consumed_capacity", func(c *checker) error {
		if err := c.load(10, func(int) attributes { return attributes{"v": S(strings.Repeat("x", 1000))} }); err != nil {
			return err
		}
		o, err := c.q("pk = :p", attributes{":p": S(c.pk)}, func(in *dynamodb.QueryInput) { in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal })
		if err != nil {
			return err
		}
		if o.ConsumedCapacity == nil || aws.ToFloat64(o.ConsumedCapacity.CapacityUnits) != 1.5 {
			return fmt.Errorf("%s, want 1.5 units", showUnits(o.ConsumedCapacity))
		}
		return nil
	}},
}
