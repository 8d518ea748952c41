package contoso

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// maxEndAll bounds how many conversations end at once.
	maxEndAll = 500
	// endAllTimeout bounds how long that takes.
	endAllTimeout = time.Minute
)

// An endingAll is what ends several conversations.
type endingAll struct {
	IDs    []string `json:"ids"`
	Reason string   `json:"reason"`
	Sender string   `json:"sender"`
}

// postEndAll ends several conversations, each by itself: one that has ended, or is
// none, is passed over. The audit has its row before the first ends.
func (a *App) postEndAll(c *gin.Context) error {
	var in endingAll
	if err := web.Decode(c, maxBody, &in); err != nil {
		return err
	}
	slices.Sort(in.IDs)
	in.IDs = slices.Compact(in.IDs)
	if len(in.IDs) == 0 || len(in.IDs) > maxEndAll {
		return invalid("ids", "expected 1 to %d conversations", maxEndAll)
	}
	if in.Reason = strings.TrimSpace(in.Reason); in.Reason == "" {
		return invalid("reason", "expected a reason, which the users are told")
	}
	t := traceOf(c, in.Sender, auditEnd, strings.Join(in.IDs, " "))
	if in.Sender = t.Actor; in.Sender == "" {
		in.Sender = supportSender
	}
	// Whoever asked may close the page; half of it would be worse.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), endAllTimeout)
	defer cancel()
	if err := audit(ctx, a.DB, t); err != nil {
		return err
	}
	ended, err := a.endAll(ctx, in)
	if err != nil {
		return err
	}
	c.JSON(http.StatusOK, gin.H{"ended": ended, "passed": len(in.IDs) - ended})
	return nil
}

func (a *App) endAll(ctx context.Context, in endingAll) (ended int, err error) {
	for _, id := range in.IDs {
		was := stateEnded
		err := a.write(ctx, func(tx pgx.Tx) (err error) {
			if was, err = lock(ctx, tx, id); err != nil {
				return err
			}
			return end(ctx, tx, id, ending{By: byAgent, Sender: in.Sender, Reason: in.Reason})
		})
		switch {
		case errors.Is(err, errUnknown):
		case err != nil:
			return ended, err
		case was != stateEnded:
			ended++
		}
	}
	return ended, nil
}
