package sandbox

import (
	"cmp"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
)

// tokensFor names, for the page's API, who may be played at the service's door.
func tokensFor() map[string]Kind {
	return map[string]Kind{"copilot": SkillCall, "copilot-v1": SkillCallV1, "channel": ChannelCall}
}

// giveToken answers with a token as the copilot or the channel would bring it to
// the service. The real issuers would ask for a secret; whoever reaches a sandbox
// owns it.
func (s *Sandbox) giveToken(c *gin.Context) error {
	var in struct{ As, Audience string }
	if err := web.Decode(c, maxText, &in); err != nil {
		return err
	}
	kind, ok := tokensFor()[in.As]
	if !ok {
		return web.BadRequest("as is one of copilot, copilot-v1, channel")
	}
	token, err := s.Mint(Token{Kind: kind, Claims: map[string]any{"aud": cmp.Or(in.Audience, s.cfg.SkillAppID)}})
	if err != nil {
		return fmt.Errorf("mint token: %w", err)
	}
	c.JSON(http.StatusOK, gin.H{"token_type": "Bearer", "expires_in": int(tokenLife.Seconds()), "access_token": token})
	return nil
}
