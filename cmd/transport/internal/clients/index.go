package main

import (
	"html/template"
	"os"
	"path/filepath"
	"strings"
)

// index is a page that shows each step of each client with its pictures, to be looked at:
// no assertion sees all that a person sees.
var index = template.Must(template.New("index").Parse(`<!doctype html>
<meta charset="utf-8">
<title>Clients on the gateway</title>
<style>
body { font-family: sans-serif; margin: 2em; }
img { max-width: 48%; border: 1px solid gray; vertical-align: top; }
.failed { color: #b00; }
.ok { color: #070; }
</style>
<h1>Clients on the gateway</h1>
<p>{{range .}}<a href="#{{.Name}}">{{.Name}}</a> {{end}}</p>
{{range .}}<h2 id="{{.Name}}">{{.Name}}</h2>
{{range .Steps}}<h3>{{.Name}}: <span class="{{.Outcome}}">{{.Outcome}}</span></h3>
<p>{{.Remark}}</p>
<p>{{range .Pictures}}<a href="{{.}}"><img src="{{.}}" alt="{{.}}" loading="lazy"></a> {{end}}</p>
{{end}}{{end}}`))

type indexClient struct {
	Name  string
	Steps []indexStep
}

type indexStep struct {
	Name string
	result
	Pictures []string
}

// writeIndex writes the page into the folder that has a folder for each client. The
// pictures that a walk took on the way to that of a step belong to the step.
func (t *table) writeIndex(out string) error {
	var page []indexClient
	for _, client := range t.clients {
		files, err := filepath.Glob(filepath.Join(out, client, "*.png"))
		if err != nil {
			return err
		}
		c := indexClient{Name: client}
		for _, step := range t.order[client] {
			s := indexStep{Name: step, result: t.results[client][step]}
			for len(files) > 0 && s.Picture != "" {
				name := filepath.Base(files[0])
				if strings.Compare(name, s.Picture) > 0 {
					break
				}
				s.Pictures = append(s.Pictures, client+"/"+name)
				files = files[1:]
			}
			c.Steps = append(c.Steps, s)
		}
		page = append(page, c)
	}
	f, err := os.Create(filepath.Join(out, "index.html"))
	if err != nil {
		return err
	}
	defer f.Close()
	return index.Execute(f, page)
}
