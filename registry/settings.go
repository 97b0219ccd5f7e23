package registry

import "strings"

// settingPrefix begins the name of an option that is a setting of a room or a service. The
// ID of the room or service, a space and the name of the setting follow.
const settingPrefix = "set "

// SettingOption returns the name of the option that stores a setting of a room or a service.
func SettingOption(at, name string) string { return settingPrefix + at + " " + name }

// Setting returns one setting of a room or a service; said is false if it has no value. a
// may be nil.
func (a *Account) Setting(at, name string) (value string, said bool) {
	if a == nil {
		return "", false
	}
	value, said = a.Options[settingPrefix+at+" "+name]
	return value, said
}

// Settings returns the settings of a room or a service. The caller may change the map. a
// may be nil.
func (a *Account) Settings(at string) map[string]string {
	values := make(map[string]string)
	if a == nil {
		return values
	}
	for name, value := range a.Options {
		key, ok := strings.CutPrefix(name, settingPrefix+at+" ")
		if ok && !strings.Contains(key, " ") { // otherwise the option belongs to a longer ID
			values[key] = value
		}
	}
	return values
}

// AllSettings returns the settings of all rooms and services, by ID.
func (a *Account) AllSettings() map[string]map[string]string {
	all := make(map[string]map[string]string)
	for option, value := range a.Options {
		if option, ok := strings.CutPrefix(option, settingPrefix); ok {
			at := strings.LastIndexByte(option, ' ')
			if all[option[:at]] == nil {
				all[option[:at]] = make(map[string]string)
			}
			all[option[:at]][option[at+1:]] = value
		}
	}
	return all
}
