package login

import "github.com/pgpreflight/pgpreflight/shared/finding"

// translations tell apart what has the same SQLSTATE and routine, in the languages that PostgreSQL's messages come in:
// German, French, Spanish, Italian, Russian, Japanese, Korean, Chinese, Swedish, Ukrainian, Georgian.
func translations() []signature {
	return []signature{
		{id: "AUTH-05", code: finding.AuthRoleCannotLogin, sqlstate: "28000", routine: "InitializeSessionUserId",
			pattern: `Berechtigung zum Einloggen|autorisé à se connecter|permite conectarse|effettuare il login|` +
				`вход запрещён|ログインが許可|접속을 허용하지|不允许角色|tillåts inte logga|вхід не дозволен|შესვლის უფლება`},
		{id: "AUTH-04", code: finding.AuthRoleMissing, sqlstate: "28000", routine: "InitializeSessionUserId",
			pattern: `existiert nicht|n.existe pas|no existe|non esiste|не существует|存在しません|없음|不存在|finns inte|` +
				`не існує|არ არსებობს`},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03",
			pattern: `noch keine Verb|pas encore de|aún no está|non accetta ancora|ещё не прин|まだ接続を|아직 접속|` +
				`ännu inte|ще не прий|ჯერ მიერთებებს`},
		{id: "SRV-04", code: finding.ServerRecovering, sqlstate: "57P03",
			pattern: `Wiederherstellungsmodus|cours de restaur|modo de recuperación|modalità di ripristino|` +
				`режиме восстановления|リカバリモード|복구 작업|恢复模式|återställningsläge|режимі відновлення|აღდგენის`},
		{id: "SRV-01", code: finding.ServerStarting, sqlstate: "57P03",
			pattern: `system startet|se lance|iniciándose|sta avviando|запускается|起動処理中|가동 중|启动中|startar upp|` +
				`запускається|გაშვება`},
		{id: "SRV-02", code: finding.ServerShuttingDown, sqlstate: "57P03",
			pattern: `fährt herunter|s.arrête|apagándose|sta spegnendo|останавливается|シャットダウン|중지 중|停止中|` +
				`stänger ner|завершує роботу|ითიშება`},
		{id: "SRV-03", code: finding.ServerStandby, sqlstate: "57P03",
			pattern: `nimmt keine Verb|n.accepte pas de|no está aceptando|non accetta conn|не принимает|` +
				`受け付けていません|접속을 허용하지|tar inte emot|не приймає|მიერთებებს არ იღებს`},
	}
}
