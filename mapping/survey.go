package mapping

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// A Survey asks a user about a conversation that is over. It is named by the hash
// of a secret that only the user has.
type Survey struct {
	Mapping ID
	Open    bool // it was not answered, and still may be
}

const askSurveySQL = `
	INSERT INTO survey (token_hash, mapping, expires_at)
	SELECT @hash, m.id, now() + @life::interval
	FROM mapping AS m
	WHERE m.id = @mapping
	  AND m.joined_at IS NOT NULL
	ON CONFLICT (mapping) DO NOTHING`

// AskSurvey begins the survey about a mapping, and reports whether there is
// something to ask: an agent joined, and the user was not asked before.
func AskSurvey(ctx context.Context, db DB, id ID, hash [32]byte, life time.Duration) (bool, error) {
	tag, err := db.Exec(ctx, askSurveySQL, pgx.NamedArgs{"mapping": id, "hash": hash[:], "life": life})
	if err != nil {
		return false, fmt.Errorf("begin survey: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

const findSurveySQL = `
	SELECT mapping, answered_at IS NULL AND expires_at > now()
	FROM survey
	WHERE token_hash = @hash`

// FindSurvey returns a survey. The error of one that there is not is
// [ErrNotFound].
func FindSurvey(ctx context.Context, db DB, hash [32]byte) (Survey, error) {
	var s Survey
	err := db.QueryRow(ctx, findSurveySQL, pgx.NamedArgs{"hash": hash[:]}).Scan(&s.Mapping, &s.Open)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Survey{}, ErrNotFound
	case err != nil:
		return Survey{}, fmt.Errorf("find survey: %w", err)
	}
	return s, nil
}

const answerSurveySQL = `
	UPDATE survey
	SET answered_at = now(), score = @score
	WHERE token_hash = @hash
	  AND answered_at IS NULL
	  AND expires_at > now()`

// AnswerSurvey records the one answer to a survey, and reports whether it counts.
// It follows the lock on the mapping.
func AnswerSurvey(ctx context.Context, db DB, hash [32]byte, score int) (bool, error) {
	tag, err := db.Exec(ctx, answerSurveySQL, pgx.NamedArgs{"hash": hash[:], "score": score})
	if err != nil {
		return false, fmt.Errorf("answer survey: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
