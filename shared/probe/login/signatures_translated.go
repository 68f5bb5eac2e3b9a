package login

import (
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// translations are PostgreSQL's texts in the languages that its messages come in. Where SQLSTATE and routine have
// decided before, nothing of this is read; it tells apart what shares both, and what has lost them: a gateway leaves
// the routine out, and psql prints neither. So each names what it is about (a role, a database), and not only what is
// the matter with it.
func translations() []signature {
	return slices.Concat(translatedMethods(), translatedAccounts(), translatedServers())
}

// translatedMethods are refusals by what PostgreSQL asks of others. The methods' names are the same in every language;
// the words beside them keep them apart from the same letters elsewhere.
func translatedMethods() []signature {
	const (
		directory = `(PAM|LDAP|RADIUS|BSD)`
		other     = `(GSSAPI|SSPI|Ident|Peer|OAuth)`
		before    = `(?:подлинности \(|автентифікацію |认证 )`
		after     = `(?:-Authentifizierung| échouée| pour l.utilisateur| falló| fallita| ?認証| 인증|-autentisering| ავთენტიფიკაცია| ?认证失败)`
	)
	var all []signature
	for _, around := range [][2]string{{"", after}, {before, ""}} {
		all = append(all,
			signature{id: "AUTH-11", code: finding.AuthFailed, sqlstate: "28000", routine: "auth_failed", capture: "method",
				oneOf: directoryCauses(), pattern: around[0] + directory + around[1]},
			signature{id: "AUTH-11", code: finding.AuthMethodUnsupported, sqlstate: "28000", routine: "auth_failed",
				capture: "method", pattern: around[0] + other + around[1]})
	}
	return all
}

func translatedAccounts() []signature {
	return []signature{
		{id: "AUTH-05", code: finding.AuthRoleCannotLogin, sqlstate: "28000", routine: "InitializeSessionUserId",
			quotes: "user",
			pattern: `^Rolle .* Einloggen|^le rôle .* autorisé à se connecter|^al rol .* permite conectarse|` +
				`^al ruolo .* effettuare il login|^для роли .* вход запрещ|^ロール.*ログインが許可|롤은 접속을 허용하지|` +
				`^不允许角色|^roll(?:en)? .* logga in|^для ролі .* вхід|^როლს შესვლის უფლება`},
		{id: "AUTH-04", code: finding.AuthRoleMissing, sqlstate: "28000", routine: "InitializeSessionUserId",
			quotes: "user",
			pattern: `^Rolle .* existiert nicht|^le rôle .* n.existe pas|^no existe el rol |^il ruolo .* non esiste|` +
				`^роль .* не существует|^ロール.*は存在しません|롤\(role\) 없음|^角色.*不存在|^rollen .* finns inte|` +
				`^роль .* не існує|^როლი არ არსებობს|^role .* não existe|^rola .* nie istnieje|rolü mevcut değil`},
		{id: "AUTH-01", code: finding.AuthFailed, sqlstate: "28P01", oneOf: passwordCauses(), quotes: "user",
			pattern: `^Passwort-Authentifizierung für Benutzer|^authentification par mot de passe échouée|` +
				`^la autenti(?:fi)?cación password falló|^autenticazione con password fallita|` +
				`не прош[её]л проверку подлинности \(по паролю\)|のパスワード認証に失敗|password 인증을 실패|` +
				`(?:Password|密码) ?认证失败|^Lösenordsautentisering misslyckades|не пройшов автентифікацію за допомогою пароля|` +
				`^პაროლით ავთენტიფიკაცია|^autenticação do tipo senha falhou|^autoryzacja hasłem nie powiodła`},
		{id: "AUTH-06", code: finding.DatabaseMissing, sqlstate: "3D000", quotes: "database",
			pattern: `^Datenbank .* existiert nicht|^la base de données .* n.existe pas|^no existe la base de datos|` +
				`^il database .* non esiste|^база данных .* не существует|^データベース.*は存在しません|데이터베이스 없음|` +
				`^数据库.*不存在|^databasen .* (?:existerar|finns) inte|^бази даних .* не існує|^მონაცემთა ბაზა .* არ არსებობს|` +
				`^banco de dados .* não existe|^baza danych .* nie istnieje|veritabanı mevcut değil`},
		{id: "AUTH-07", code: finding.DatabaseNoConnectPrivilege, sqlstate: "42501", routine: "CheckMyDatabase",
			quotes: "database", login: true,
			pattern: `^keine Berechtigung für Datenbank|^droit refusé pour la base de données|` +
				`^permiso denegado a la base de datos|^permesso negato per il database|^доступ к базе .*запрещ|` +
				`^нет доступа к базе данных|^データベース.*アクセスが拒否|데이터베이스 (?:액세스|접근) 권한 없음|` +
				`^(?:访问|对)数据库.*权限不够|^rättighet saknas för databas|^доступ до бази даних|` +
				`^немає доступу для бази даних|^წვდომა აკრძალულია`},
		{id: "AUTH-08", code: finding.DatabaseNotAccepting, sqlstate: "55000", quotes: "database",
			pattern: `^Datenbank .* akzeptiert gegenwärtig keine|^la base de données .* n.accepte plus|` +
				`^la base de datos .* no acepta conex|^il database .* attualmente non accetta|` +
				`^база .* не принимает подключения в данный|^現在データベース.*接続を受け付け|데이터베이스는 현재 접속을 허용하지|` +
				`^数据库.*当前不接受|^databasen .* tar för närvarande inte|^база даних .* не приймає підключення в даний|` +
				`^ბაზა .* ამჟამად`},
		{id: "AUTH-09", code: finding.AuthUserFormat, sqlstate: "28000", args: finding.Args{"reason": "empty"},
			pattern: `^kein PostgreSQL-Benutzername|^aucun nom d.utilisateur PostgreSQL|` +
				`^no se especifica un nombre de usuario|^nessun utente PostgreSQL|^в стартовом пакете не указано|` +
				`^開始パケットで指定|^시작 패킷에서 지정한|^在启动包中没有指定|^inget PostgreSQL-användarnamn|у стартовому пакеті|` +
				`^გაშვების პაკეტში`},
		{id: "TLS-14", code: finding.TLSClientCertificateRequired, sqlstate: "28000",
			pattern: `gültiges Client-Zertifikat|un certificat client valide|certificado de cliente válido|` +
				`certificato valido per il client|годный сертификат клиента|有効なクライアント証明|유효한 클라이언트 인증서|` +
				`有效的客户端认证|giltigt klientcertifikat|сертифікат клієнта|კლიენტის სწორი სერტიფიკატი`},
	}
}

func translatedServers() []signature {
	return []signature{
		{id: "SRV-08", code: finding.RoleConnectionLimit, sqlstate: "53300", quotes: "user",
			pattern: `^zu viele Verbindungen (?:von|für) Rolle|^trop de connexions pour le rôle|` +
				`^demasiadas conexiones para el rol|^troppe connessioni per il ruolo|^слишком много подключений для роли|` +
				`^ロール.*接続が多すぎ|롤의 최대 동시 접속|^由角色.*连接太多|^för många uppkopplingar för roll|` +
				`^занадто багато підключень для ролі|კავშირი როლისთვის`},
		{id: "SRV-08", code: finding.DatabaseConnectionLimit, sqlstate: "53300", quotes: "database",
			pattern: `^zu viele Verbindungen für Datenbank|^trop de connexions pour la base|` +
				`^demasiadas conexiones para la base|^troppe connessioni al database|^слишком много подключений к БД|` +
				`^データベース.*接続が多すぎ|데이터베이스 최대 접속수|^到数据库.*连接太多|^för många uppkopplingar till databas|` +
				`^занадто багато підключень до бази|კავშირი ბაზისთვის`},
		{id: "SRV-07", code: finding.ServerFullReserved, sqlstate: "53300",
			pattern: `^die verbleibenden Verbindungen|^les emplacements de connexions? restants|` +
				`^las conexiones restantes|^i rimanenti slot di connessione|^оставшиеся слоты подключений|` +
				`^残りの接続(?:スロット|枠)|^남은 연결 슬롯|^已保留的连接位置|^resterande anslutnings|^слоти підключень, які залишились`},
		{id: "SRV-06", code: finding.ServerFull, sqlstate: "53300",
			pattern: `schon zu viele Verbindungen|trop de clients sont déjà|ya tenemos demasiados clientes|` +
				`troppi client già|уже слишком много клиентов|クライアント数が多すぎ|최대 동시 접속자 수|已经有太多的客户|` +
				`för många klienter|вже забагато клієнтів|მეტისმეტად ბევრი კლიენტ`},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03",
			pattern: `system nimmt noch keine Verb|système de bases? de données n.accepte pas encore|` +
				`sistema de bases? de datos aún no|sistema di database non accetta ancora|система БД ещ[её] не прин|` +
				`システムはまだ接続を|시스템은 아직 접속|databassystemet tar ännu inte|система бази даних ще не прий|სისტემა ჯერ მიერთებებს`},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03",
			pattern: `Wiederherstellungsmodus|en cours de restauration|modo de recuperación|modalità di ripristino|` +
				`в режиме восстановления|リカバリモード|자동 복구 작업|在恢复模式|återställningsläge|у режимі відновлення|` +
				`აღდგენის რეჟიმ`},
		{id: "SRV-01", code: finding.ServerStarting, sqlstate: "57P03",
			pattern: `Datenbanksystem startet|système de bases? de données se lance|datos está iniciándose|` +
				`database si sta avviando|система баз данных запускается|起動処理中|시스템이 새로 가동 중|系统启动中|` +
				`databassystemet startar upp|система бази даних запускається|სისტემის გაშვება`},
		{id: "SRV-02", code: finding.ServerShuttingDown, sqlstate: "57P03",
			pattern: `Datenbanksystem fährt herunter|système de bases? de données s.arrête|datos está apagándose|` +
				`database si sta spegnendo|система баз данных останавливается|システムはシャットダウン|시스템이 중지 중|系统停止中|` +
				`databassystemet stänger ner|система бази даних завершує роботу|სისტემა ითიშება`},
		{id: "SRV-03", code: finding.ServerStandby, sqlstate: "57P03",
			pattern: `system nimmt keine Verb|système de bases? de données n.accepte pas de|datos no está aceptando|` +
				`sistema di database non accetta conn|система БД не принимает|システムは接続を受け付けていません|` +
				`시스템은 접속을 허용하지|databassystemet tar inte emot|система бази даних не приймає|სისტემა მიერთებებს არ იღებს`},
	}
}
