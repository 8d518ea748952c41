[b]Bold[/b] [i]it[/i] [u]u[/u] [s]s[/s] [B]X[/B]
[url=https://x.example/a]label[/url] [url]https://x.example/b[/url] [url=javascript:x]bad[/url] [email=a@b.example]mail[/email] [img]https://x.example/i.png[/img]
[quote=Ann]said
this[/quote]
[list][*]one[*]two[/list][code]if a[0] < 3 {
  [b]
}[/code] [color=red]red[/color] [unknown]kept[/unknown] array[1] [/b] <b>html</b> & **md** [b][i]cross[/b][/i] [code] open [b]end