package oscarwire

// SNAC families (services).
const (
	FamilyService   uint16 = 0x01 // sign-on, rates, own status ("generic", OSERVICE)
	FamilyLocation  uint16 = 0x02 // profile, away text, capabilities
	FamilyBuddy     uint16 = 0x03 // presence
	FamilyICBM      uint16 = 0x04 // messages
	FamilyAdvert    uint16 = 0x05
	FamilyInvite    uint16 = 0x06
	FamilyAdmin     uint16 = 0x07 // account administration
	FamilyPopup     uint16 = 0x08
	FamilyPrivacy   uint16 = 0x09 // permit and deny (PD, BOS)
	FamilyLookup    uint16 = 0x0A // user look-up by e-mail
	FamilyStats     uint16 = 0x0B
	FamilyTranslate uint16 = 0x0C
	FamilyChatNav   uint16 = 0x0D
	FamilyChat      uint16 = 0x0E
	FamilyDirectory uint16 = 0x0F // directory search (ODIR)
	FamilyBART      uint16 = 0x10 // icons and other assets
	FamilyFeedbag   uint16 = 0x13 // server-stored list (SSI)
	FamilyICQ       uint16 = 0x15 // ICQ extensions
	FamilyBUCP      uint16 = 0x17 // MD5 sign-on
	FamilyAlert     uint16 = 0x18
)

// Subtype 01 of every family is an error; see SNACError.
const SubtypeError uint16 = 0x01

// Family 01.
const (
	ServiceError          ID = 0x0001_0001 // 01/01
	ServiceClientReady    ID = 0x0001_0002 // 01/02 ClientReady
	ServiceHostFamilies   ID = 0x0001_0003 // 01/03 FamilyList
	ServiceRequest        ID = 0x0001_0004 // 01/04 ServiceQuery
	ServiceRedirect       ID = 0x0001_0005 // 01/05 Redirect
	ServiceRateQuery      ID = 0x0001_0006 // 01/06 empty
	ServiceRateReply      ID = 0x0001_0007 // 01/07 RateParams
	ServiceRateAck        ID = 0x0001_0008 // 01/08 RateClassIDs
	ServiceRateChange     ID = 0x0001_000A // 01/0A RateChange
	ServicePause          ID = 0x0001_000B // 01/0B empty
	ServicePauseAck       ID = 0x0001_000C // 01/0C FamilyList
	ServiceResume         ID = 0x0001_000D // 01/0D empty
	ServiceSelfQuery      ID = 0x0001_000E // 01/0E empty
	ServiceSelfInfo       ID = 0x0001_000F // 01/0F UserInfos
	ServiceWarned         ID = 0x0001_0010 // 01/10 Warned
	ServiceIdle           ID = 0x0001_0011 // 01/11 Number: idle seconds, 0 back
	ServiceMigrate        ID = 0x0001_0012 // 01/12 Migration
	ServiceMOTD           ID = 0x0001_0013 // 01/13 MOTD
	ServicePrivacyFlags   ID = 0x0001_0014 // 01/14 Number
	ServiceWellKnownURLs  ID = 0x0001_0015 // 01/15
	ServiceNoOp           ID = 0x0001_0016 // 01/16 empty
	ServiceClientVersions ID = 0x0001_0017 // 01/17 FamilyVersions
	ServiceHostVersions   ID = 0x0001_0018 // 01/18 FamilyVersions
	ServiceSetStatus      ID = 0x0001_001E // 01/1E SetStatus
	ServiceVerifyQuery    ID = 0x0001_001F // 01/1F
	ServiceVerifyReply    ID = 0x0001_0020 // 01/20
	ServiceBARTReply      ID = 0x0001_0021 // 01/21 BARTItems
)

// Family 02.
const (
	LocationError       ID = 0x0002_0001 // 02/01
	LocationRightsQuery ID = 0x0002_0002 // 02/02 empty
	LocationRightsReply ID = 0x0002_0003 // 02/03 Rights
	LocationSetInfo     ID = 0x0002_0004 // 02/04 LocationInfo
	LocationQuery       ID = 0x0002_0005 // 02/05 LocationQueryOld
	LocationReply       ID = 0x0002_0006 // 02/06 LocationReplyInfo
	LocationSetDir      ID = 0x0002_0009 // 02/09 TLVs
	LocationSetDirReply ID = 0x0002_000A // 02/0A 1, 16 bits
	LocationDirQuery    ID = 0x0002_000B // 02/0B a name
	LocationDirReply    ID = 0x0002_000C // 02/0C DirectoryInfo
	LocationQuery2      ID = 0x0002_0015 // 02/15 LocationQueryNew
)

// Family 03.
const (
	BuddyError       ID = 0x0003_0001 // 03/01
	BuddyRightsQuery ID = 0x0003_0002 // 03/02 empty
	BuddyRightsReply ID = 0x0003_0003 // 03/03 Rights
	BuddyAdd         ID = 0x0003_0004 // 03/04 Names
	BuddyRemove      ID = 0x0003_0005 // 03/05 Names
	BuddyRejected    ID = 0x0003_000A // 03/0A Names
	BuddyArrived     ID = 0x0003_000B // 03/0B UserInfos
	BuddyDeparted    ID = 0x0003_000C // 03/0C UserInfos
	BuddyAddTemp     ID = 0x0003_000F // 03/0F Names
	BuddyRemoveTemp  ID = 0x0003_0010 // 03/10 Names
)

// Family 04.
const (
	ICBMError        ID = 0x0004_0001 // 04/01 SNACError
	ICBMSetParams    ID = 0x0004_0002 // 04/02 ICBMParams
	ICBMResetParams  ID = 0x0004_0003 // 04/03 empty
	ICBMParamsQuery  ID = 0x0004_0004 // 04/04 empty
	ICBMParamsReply  ID = 0x0004_0005 // 04/05 ICBMParams
	ICBMSend         ID = 0x0004_0006 // 04/06 OutgoingIM
	ICBMIncoming     ID = 0x0004_0007 // 04/07 IncomingIM
	ICBMWarn         ID = 0x0004_0008 // 04/08
	ICBMWarnReply    ID = 0x0004_0009 // 04/09
	ICBMMissed       ID = 0x0004_000A // 04/0A MissedMessages
	ICBMClientAck    ID = 0x0004_000B // 04/0B ClientAck
	ICBMHostAck      ID = 0x0004_000C // 04/0C HostAck
	ICBMOfflineQuery ID = 0x0004_0010 // 04/10 empty
	ICBMTyping       ID = 0x0004_0014 // 04/14 Typing
	ICBMOfflineDone  ID = 0x0004_0017 // 04/17 empty
)

// Family 07 (account administration).
const (
	AdminError        ID = 0x0007_0001 // 07/01
	AdminQuery        ID = 0x0007_0002 // 07/02 TLVs
	AdminReply        ID = 0x0007_0003 // 07/03 AdminAnswer
	AdminChange       ID = 0x0007_0004 // 07/04 TLVs
	AdminChangeReply  ID = 0x0007_0005 // 07/05 AdminAnswer
	AdminConfirm      ID = 0x0007_0006 // 07/06 empty
	AdminConfirmReply ID = 0x0007_0007 // 07/07 AdminConfirmation
)

// Family 09.
const (
	PrivacyError        ID = 0x0009_0001 // 09/01
	PrivacyRightsQuery  ID = 0x0009_0002 // 09/02 empty
	PrivacyRightsReply  ID = 0x0009_0003 // 09/03 Rights
	PrivacySetMask      ID = 0x0009_0004 // 09/04 Number
	PrivacyAddPermit    ID = 0x0009_0005 // 09/05 Names
	PrivacyRemovePermit ID = 0x0009_0006 // 09/06 Names
	PrivacyAddDeny      ID = 0x0009_0007 // 09/07 Names
	PrivacyRemoveDeny   ID = 0x0009_0008 // 09/08 Names
)

// Families 0A, 0B and 0F.
const (
	LookupError       ID = 0x000A_0001 // 0A/01
	LookupByEmail     ID = 0x000A_0002 // 0A/02 Raw: the address
	LookupReply       ID = 0x000A_0003 // 0A/03 TLVs: 01 name, several
	StatsInterval     ID = 0x000B_0002 // 0B/02 hours, 16 bits
	StatsReport       ID = 0x000B_0003 // 0B/03
	StatsReportAck    ID = 0x000B_0004 // 0B/04
	DirectoryError    ID = 0x000F_0001 // 0F/01
	DirectorySearch   ID = 0x000F_0002 // 0F/02 TLVs
	DirectoryReply    ID = 0x000F_0003 // 0F/03 DirectoryAnswer
	DirectoryKeywords ID = 0x000F_0004 // 0F/04
)

// Families 0D and 0E (rooms).
const (
	ChatNavError       ID = 0x000D_0001 // 0D/01
	ChatNavRightsQuery ID = 0x000D_0002 // 0D/02 empty
	ChatNavExchange    ID = 0x000D_0003 // 0D/03
	ChatNavRoomQuery   ID = 0x000D_0004 // 0D/04
	ChatNavCreate      ID = 0x000D_0008 // 0D/08 Room
	ChatNavReply       ID = 0x000D_0009 // 0D/09 TLVs
	ChatError          ID = 0x000E_0001 // 0E/01
	ChatRoomUpdate     ID = 0x000E_0002 // 0E/02 Room
	ChatJoined         ID = 0x000E_0003 // 0E/03 UserInfos
	ChatLeft           ID = 0x000E_0004 // 0E/04 UserInfos
	ChatSend           ID = 0x000E_0005 // 0E/05 ChatMessage
	ChatIncoming       ID = 0x000E_0006 // 0E/06 ChatMessage
)

// Family 10 (icons).
const (
	BARTError         ID = 0x0010_0001 // 10/01
	BARTUpload        ID = 0x0010_0002 // 10/02
	BARTUploadReply   ID = 0x0010_0003 // 10/03
	BARTDownload      ID = 0x0010_0004 // 10/04
	BARTDownloadReply ID = 0x0010_0005 // 10/05
)

// Family 13.
const (
	FeedbagError            ID = 0x0013_0001 // 13/01
	FeedbagRightsQuery      ID = 0x0013_0002 // 13/02 empty
	FeedbagRightsReply      ID = 0x0013_0003 // 13/03 FeedbagRights
	FeedbagQuery            ID = 0x0013_0004 // 13/04 empty
	FeedbagQueryIfModified  ID = 0x0013_0005 // 13/05 FeedbagStamp
	FeedbagReply            ID = 0x0013_0006 // 13/06 FeedbagList
	FeedbagUse              ID = 0x0013_0007 // 13/07 empty
	FeedbagInsert           ID = 0x0013_0008 // 13/08 FeedbagItems
	FeedbagUpdate           ID = 0x0013_0009 // 13/09 FeedbagItems
	FeedbagDelete           ID = 0x0013_000A // 13/0A FeedbagItems
	FeedbagAck              ID = 0x0013_000E // 13/0E FeedbagStatuses
	FeedbagNotModified      ID = 0x0013_000F // 13/0F FeedbagStamp
	FeedbagStart            ID = 0x0013_0011 // 13/11 empty
	FeedbagEnd              ID = 0x0013_0012 // 13/12 empty
	FeedbagPreauthorize     ID = 0x0013_0014 // 13/14 AuthRequest
	FeedbagPreauthorized    ID = 0x0013_0015 // 13/15 AuthRequest
	FeedbagRemoveMe         ID = 0x0013_0016 // 13/16 AuthName
	FeedbagAuthRequest      ID = 0x0013_0018 // 13/18 AuthRequest
	FeedbagAuthRequested    ID = 0x0013_0019 // 13/19 AuthRequest
	FeedbagAuthReply        ID = 0x0013_001A // 13/1A AuthReply
	FeedbagAuthReplied      ID = 0x0013_001B // 13/1B AuthReply
	FeedbagYouWereAdded     ID = 0x0013_001C // 13/1C AuthName
	FeedbagRemoveMeReceived ID = 0x0013_0017 // 13/17 AuthName
)

// Family 15.
const (
	ICQError   ID = 0x0015_0001 // 15/01
	ICQRequest ID = 0x0015_0002 // 15/02 ICQData
	ICQReply   ID = 0x0015_0003 // 15/03 ICQData
)

// Family 17.
const (
	BUCPError            ID = 0x0017_0001 // 17/01
	BUCPLogin            ID = 0x0017_0002 // 17/02 Login
	BUCPLoginReply       ID = 0x0017_0003 // 17/03 LoginReply
	BUCPRegister         ID = 0x0017_0004 // 17/04
	BUCPRegisterReply    ID = 0x0017_0005 // 17/05
	BUCPChallengeRequest ID = 0x0017_0006 // 17/06 ChallengeRequest
	BUCPChallenge        ID = 0x0017_0007 // 17/07 Challenge
	BUCPSecurIDRequest   ID = 0x0017_000A // 17/0A
	BUCPSecurIDReply     ID = 0x0017_000B // 17/0B
)
