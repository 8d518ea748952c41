package contoso

import (
	"github.com/gin-gonic/gin"

	"github.com/liaison-skill/liaison/internal/web"
	"github.com/liaison-skill/liaison/wwwroot"
)

// mountChatPage serves /chat/, which sites of the origins may show in a frame.
func mountChatPage(r *gin.Engine, origins []string) {
	web.PagesAt(r, "/chat", wwwroot.Chat(), append([]string{"'self'"}, origins...)...)
	web.Pages(r, wwwroot.Shared())
}
