package local

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"charter/pkg/local/dynamo"
	"charter/pkg/sam"
)

// CreateTable makes the table that the template describes. One that exists is
// left as it is.
func CreateTable(engine *dynamo.Engine, t sam.Table) error {
	client := dynamodb.New(dynamodb.Options{Region: region, BaseEndpoint: aws.String("http://" + dynamoHost),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: engine.Transport()}})
	in := &dynamodb.CreateTableInput{TableName: &t.Name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(t.Key)}
	for _, name := range slices.Sorted(maps.Keys(t.Attributes)) {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeType(t.Attributes[name])})
	}
	for _, index := range t.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: &index.Name,
			KeySchema: keySchema(index.Key), Projection: &types.Projection{ProjectionType: types.ProjectionType(index.Projection)}})
	}
	if t.StreamView != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(t.StreamView)}
	}
	ctx := context.Background()
	_, err := client.CreateTable(ctx, in)
	if _, ok := errors.AsType[*types.ResourceInUseException](err); ok {
		return nil
	}
	if err != nil || t.TTLAttribute == "" {
		return err
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &t.Name,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &t.TTLAttribute, Enabled: aws.Bool(true)}})
	return err
}

func keySchema(k sam.Key) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: &k.Hash, KeyType: types.KeyTypeHash}}
	if k.Range != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: &k.Range, KeyType: types.KeyTypeRange})
	}
	return schema
}
