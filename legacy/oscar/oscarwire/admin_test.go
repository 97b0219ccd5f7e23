package oscarwire

import (
	"errors"
	"reflect"
	"testing"
)

func TestAdminAnswer(t *testing.T) {
	want := AdminAnswer{Permissions: 3, TLVs: TLVs{TLVBytes(TagAdminNewPassword, []byte{}), TLV16(TagAdminError, uint16(AdminWrongPassword))}}
	got, err := ParseAdminAnswer(want.Append(nil))
	if err != nil || !reflect.DeepEqual(got, want) || !errors.Is(got.Err(), AdminWrongPassword) {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := (AdminAnswer{TLVs: TLVs{TLVBytes(TagAdminError, []byte{1})}}).Err(); err != nil { // too short for a result
		t.Errorf("got %v", err)
	}
}

func TestDirectoryAnswer(t *testing.T) {
	want := DirectoryAnswer{Status: DirectoryOK, Found: []TLVs{
		{TLVText(TagDirFirst, "Robert"), TLVText(TagDirName, "Bob AIM")}, {TLVText(TagDirName, "bob2")}}}
	got, err := ParseDirectoryAnswer(want.Append(nil))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	lying := want.Append(nil)
	lying[5] = 200 // the number of users
	if got, err := ParseDirectoryAnswer(lying); err == nil || len(got.Found) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := ParseDirectoryAnswer([]byte{0, 4}); err != nil || got.Status != DirectoryNameMissing {
		t.Errorf("got %+v, %v", got, err)
	}
}
