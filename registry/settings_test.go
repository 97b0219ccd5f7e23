package registry_test

import (
	"maps"
	"testing"

	"transport/registry"
)

// Settings are options. The name of a room may begin with that of another.
func TestSettings(t *testing.T) {
	a := &registry.Account{Options: map[string]string{
		"stay":                               "1",
		registry.SettingOption("#a", "nick"): "al", registry.SettingOption("#a", "persistent"): "true",
		registry.SettingOption("#a b", "nick"): "bo", registry.SettingOption("", "port"): "6667",
	}}
	for at, want := range map[string]map[string]string{
		"#a": {"nick": "al", "persistent": "true"}, "#a b": {"nick": "bo"}, "": {"port": "6667"}, "#b": {},
	} {
		if got := a.Settings(at); !maps.Equal(got, want) {
			t.Errorf("the settings of %q are %v, want %v", at, got, want)
		}
		if got := a.AllSettings()[at]; !maps.Equal(got, want) {
			t.Errorf("all settings have %v of %q, want %v", got, at, want)
		}
		for name, value := range want {
			if got, said := a.Setting(at, name); got != value || !said {
				t.Errorf("%s of %q is %q, want %q", name, at, got, value)
			}
		}
	}
	if _, said := a.Setting("#a", "stay"); said {
		t.Error("an option is taken for a setting")
	}
	none := (*registry.Account)(nil)
	if _, said := none.Setting("#a", "nick"); said || len(none.Settings("#a")) > 0 {
		t.Error("a user without an account has settings")
	}
}
