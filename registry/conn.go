package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

// conn is a connection with its prepared statements. One goroutine uses it at a time.
//
// Statements run with a context that is never cancelled: with a cancellable one, the
// driver would start a goroutine for each row. Every statement here is short.
type conn struct {
	*sql.Conn
	stmts map[string]*sql.Stmt
}

// dataSource returns the driver's URI of the file at path, which must be absolute.
func dataSource(path string) string {
	// SQLite and the driver both accept a file URI, in which any character can be escaped.
	u := url.URL{Scheme: "file", Path: path}
	return u.String() + "?_foreign_keys=1&_busy_timeout=5000&_synchronous=NORMAL"
}

func newConn(ctx context.Context, pool *sql.DB, pragmas ...string) (*conn, error) {
	sc, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: sc, stmts: make(map[string]*sql.Stmt)}
	for _, p := range pragmas {
		if _, err := sc.ExecContext(ctx, "PRAGMA "+p); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// stmt returns the prepared statement of a query, from a cache without a limit: queries
// are constants, and few.
func (c *conn) stmt(query string) (*sql.Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	s, err := c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *conn) exec(query string, args ...any) (sql.Result, error) {
	s, err := c.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// execFound runs a statement, and returns ErrNotFound if it has changed no row.
func (c *conn) execFound(query string, args ...any) error {
	res, err := c.exec(query, args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// row reads a single row, or returns ErrNotFound.
func (c *conn) row(query string, args []any, dest ...any) error {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

// each calls f for every row, until ctx ends or f returns an error.
func (c *conn) each(ctx context.Context, query string, args []any, f func(scan func(...any) error) error) (err error) {
	s, err := c.stmt(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// idle reports whether no transaction is open. SQLite itself rolls a transaction back
// after some errors, such as a full disk.
func (c *conn) idle() (bool, error) {
	var idle bool
	err := c.Raw(func(driverConn any) error {
		sc, ok := driverConn.(*sqlite3.SQLiteConn)
		if !ok {
			return fmt.Errorf("unexpected driver %T", driverConn)
		}
		idle = sc.AutoCommit()
		return nil
	})
	return idle, err
}
