package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/pgpreflight/pgpreflight/infra/local/bench/place"
)

// ideal asks the same questions with pgx as well as it can be asked: one connection for each end, one batch for all
// questions, one TLS configuration for all.
func ideal(p place.Place) (work, error) {
	pem, err := os.ReadFile(p.RootsFile)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in " + p.RootsFile)
	}
	var configs []*pgx.ConnConfig
	for _, end := range p.Ends() {
		c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d user=%s password=%s dbname=%s sslmode=require",
			end.Host, p.Port, p.User, p.Password, end.Database))
		if err != nil {
			return nil, err
		}
		c.TLSConfig = &tls.Config{ServerName: end.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}
		c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
		configs = append(configs, c)
	}
	questions := p.Questions()
	return func(ctx context.Context, _ int) string {
		var both errgroup.Group
		for i, c := range configs {
			both.Go(func() error { return askAll(ctx, c, questions[i]) })
		}
		if err := both.Wait(); err != nil {
			return err.Error()
		}
		return "ready"
	}, nil
}

func askAll(ctx context.Context, c *pgx.ConnConfig, questions []string) error {
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	batch := &pgx.Batch{}
	for _, sql := range questions {
		batch.Queue(sql)
	}
	answers := conn.SendBatch(ctx, batch)
	for range questions {
		rows, err := answers.Query()
		if err != nil {
			return errors.Join(err, answers.Close())
		}
		for rows.Next() {
			if _, err := rows.Values(); err != nil {
				return errors.Join(err, answers.Close())
			}
		}
		if err := rows.Err(); err != nil {
			return errors.Join(err, answers.Close())
		}
	}
	return answers.Close()
}
