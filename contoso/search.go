package contoso

import (
	"context"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"

	"github.com/liaison-skill/liaison/internal/web"
)

const (
	// searchBatch is how many conversations one answer holds.
	searchBatch = 50
	// maxSearch bounds what is looked for, in bytes.
	maxSearch = 200
)

// Words are compared as they are: nothing in them is a pattern.
const searchSQL = `
SELECT id, state, person, problem, channel, reference, variables, started_at, ended_at, ended_by,
       summary, skills, priority, queue, agent, rating_score, rating_comment, user_typing,
       unread, notes, unreachable, agents_typing, waiting_since, last_author, last_sender, last_body, last_at, origin
FROM contoso.conversation_at_desk
WHERE id IN (
    SELECT c.id
    FROM contoso.conversation c
    WHERE (NOT @ended::boolean OR c.state = 'ended')
    AND (@before = '' OR (coalesce(c.ended_at, c.started_at), c.id) < (
        SELECT coalesce(b.ended_at, b.started_at), b.id
        FROM contoso.conversation b
        WHERE b.id = @before))
    AND (@words = ''
        OR position(@words IN lower(concat_ws(' ', c.id, c.reference, c.problem, c.person ->> 'name', c.person ->> 'email'))) > 0
        OR EXISTS (
            SELECT 1
            FROM contoso.line l
            WHERE l.conversation_id = c.id
            AND l.event = 'message'
            AND position(@words IN lower(l.body)) > 0))
    ORDER BY coalesce(c.ended_at, c.started_at) DESC, c.id DESC
    LIMIT @limit)
ORDER BY coalesce(ended_at, started_at) DESC, id DESC`

// getSearch returns conversations with the words q in who the user is, the
// problem, an id or what was said; with state=ended only those that have ended;
// newest first, those after the conversation before.
func (a *App) getSearch(c *gin.Context) error {
	words := strings.ToLower(strings.TrimSpace(c.Query("q")))
	if len(words) > maxSearch {
		return web.BadRequest("q is too long")
	}
	found, err := a.search(c.Request.Context(), pgx.NamedArgs{
		"words": words, "ended": c.Query("state") == stateEnded, "before": c.Query("before"), "limit": searchBatch,
	})
	if err != nil {
		return storable(err)
	}
	c.JSON(http.StatusOK, gin.H{"conversations": found, "more": len(found) == searchBatch})
	return nil
}

func (a *App) search(ctx context.Context, args pgx.NamedArgs) ([]conversation, error) {
	found, err := collectConversations(a.DB.Query(ctx, searchSQL, args))
	if found == nil {
		found = []conversation{}
	}
	return found, err
}
