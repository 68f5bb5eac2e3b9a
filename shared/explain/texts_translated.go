package explain

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
)

// translatedTexts are libpq's own words and those of the C library that it quotes, in other languages than English:
// German, French, Spanish, Italian, Japanese, Korean, Russian, Swedish, Ukrainian, Chinese, and, of the C library
// alone, Portuguese, Polish, Turkish, Czech. All of them tell no more than their originals.
func translatedTexts() []signature {
	return append(translatedTLS(), append(translatedNames(), translatedErrors()...)...)
}

func translatedTLS() []signature {
	return []signature{
		{id: "TLS-11", code: finding.TLSClosed, oneOf: []finding.Code{finding.TLSClosed, finding.PeerClosed},
			ask: []string{askIdle}, any: []string{"ssl-syscall-fehler: dateiende entdeckt",
				"erreur syscall ssl : eof détecté", "error en llamada ssl: detectado fin de archivo",
				"errore ssl syscall: rilevato eof", "ssl syscallエラー: eofを検知", "ssl syscall 오류: eof 감지됨",
				"ошибка ssl syscall: конец файла", "ssl syscall-fel: eof upptäckt", "помилка ssl syscall: виявлено eof",
				"ssl syscall 错误: 发现结束符"}},
		{id: "TLS-12", code: finding.TLSReset, oneOf: []finding.Code{finding.TLSReset, finding.PeerNotPostgres},
			ask: []string{askFirstBytes}, any: resets(),
			pattern: `(?:SYSCALL|llamada SSL).*(?:` + strings.Join(resets(), "|") + `)`},
		{id: "TLS-01", code: finding.TLSNotOffered, any: []string{"server unterstützt kein ssl",
			"le serveur ne supporte pas ssl", "el servidor no soporta ssl", "il server non supporta ssl",
			"サーバーはsslをサポートしていません", "서버가 ssl 기능을 지원하지 않", "сервер не поддерживает ssl",
			"ssl stöds inte av servern", "сервер не підтримує протокол ssl", "服务器不支持 ssl"}},
		{id: "TLS-03", code: finding.TLSNameMismatch, any: []string{"server-zertifikat für", "le certificat serveur pour",
			"el certificado de servidor para", "il certificato per il server", "のサーバー証明書がホスト名", "서버 인증서의 이름",
			"серверный сертификат для", "servercertifikat för", "серверний сертифікат", "的服务器证书与主机名不匹配"}},
		{id: "NET-11", code: finding.PeerNotPostgres, any: strangers(), args: finding.Args{"looksLike": "http"},
			pattern: `(?:` + strings.Join(strangers(), "|") + `)[^:]*: (?P<firstBytes>H)\b`},
		{id: "NET-12", code: finding.PeerNotPostgres, any: strangers()},
	}
}

// resets are "Connection reset by peer".
func resets() []string {
	return []string{"die verbindung wurde vom kommunikationspartner zurückgesetzt",
		"connexion ré-initialisée par le correspondant", "conexión reinicializada por la máquina remota",
		"connessione interrotta dal corrispondente", "接続が相手からリセットされました", "상대편이 연결을 끊음",
		"соединение разорвано другой стороной", "förbindelse borttagen av partnern", "вузол розірвав з’єднання",
		"连接被对方重设", "conexão fechada pela outra ponta", "połączenie zerwane przez drugą stronę",
		"bağlantı karşıdan kesildi", "spojení zrušeno druhou stranou"}
}

// strangers are "received invalid response to SSL negotiation" and "expected authentication request from server".
func strangers() []string {
	return []string{"ungültige antwort auf ssl-verhandlungspaket", "authentifizierungsanfrage wurde vom server erwartet",
		"réponse invalide à la négociation ssl", "attendait une requête d'authentification",
		"respuesta no válida en la negociación ssl", "se esperaba una petición de autentificación",
		"risposta errata alla negoziazione ssl", "prevista richiesta di autenticazione",
		"sslネゴシエーションに対して不正な応答", "サーバーからの認証要求を想定して", "ssl 교섭에 대한 잘못된 응답", "서버가 인증을 요구했지만",
		"неверный ответ при согласовании ssl", "ожидался запрос аутентификации", "ogiltigt svar till ssl-uppkopplings",
		"förväntade autentiseringsförfrågan", "неприпустиму відповідь на узгодження ssl", "очікувався запит автентифікації",
		"收到对 ssl 握手的无效响应", "期待来自服务器的认证请求"}
}

func translatedNames() []signature {
	dns := []string{askDNSAnswer}
	return []signature{
		{id: "DNS-01", code: finding.DNSNameNotFound, oneOf: notFound(), ask: dns, any: []string{
			"der name oder der dienst ist nicht bekannt", "nom ou service inconnu", "nombre o servicio desconocido",
			"nome o servizio sconosciuto", "名前またはサービスが不明です", "이름 혹은 서비스를 알 수 없습니다",
			"неизвестное имя или служба", "namn eller tjänst okänd", "невідома назва чи сервіс", "未知的名称或服务",
			"nome ou serviço desconhecido", "ta nazwa lub usługa jest nieznana", "neznámé jméno nebo služba"}},
		{id: "DNS-02", code: finding.DNSNoAddress, any: []string{"zu diesem hostnamen gehört keine adresse",
			"aucune adresse associée avec le nom de l'hôte", "no existe ninguna dirección asociada al nombre",
			"nessun indirizzo associato al nome host", "ホスト名にアドレスが割り当てられていません", "호스트이름과 대응되는 주소가 없음",
			"с именем узла не связано ни одного адреса", "ingen adress associerad med värdnamn",
			"з даною назвою вузла не пов'язано жодної адреси", "没有与主机名关联的地址", "não há endereço associado com o nome",
			"brak adresu związanego z nazwą hosta", "makina ismiyle ilişkili adres yok", "jméno počítače nemá přiřazenu adresu"}},
		{id: "DNS-08", code: finding.DNSTimeout, ask: dns,
			oneOf: []finding.Code{finding.DNSTimeout, finding.DNSServerFailure, finding.DNSRefused}, any: []string{
				"temporärer fehler bei der namensauflösung", "échec temporaire dans la résolution du nom",
				"fallo temporal en la resolución del nombre", "errore temporaneo nella risoluzione del nome",
				"名前解決に一時的に失敗しました", "name resolution에서 일시적인 실패", "временный сбой в разрешении имен",
				"namnuppslagning misslyckades temporärt", "тимчасова помилка розв'язання назв", "域名解析暂时失败",
				"falha temporário na resolução de nome", "odwzorowanie nazwy jest chwilowo niemożliwe",
				"dočasná chyba při vyhodnocování jména"}},
	}
}

func translatedErrors() []signature {
	return []signature{
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"die wartezeit für die verbindung ist abgelaufen",
			"connexion terminée par expiration du délai d'attente", "expiró el tiempo de conexión", "connessione scaduta",
			"接続がタイムアウトしました", "연결 시간 초과", "время ожидания соединения истекло", "förbindelsens tidsgräns löpte ut",
			"перевищено інтервал очікування з'єднання", "连接超时", "tempo esgotado para conexão",
			"przekroczony czas oczekiwania na połączenie", "bağlantıda zaman aşımı", "spojení bylo příliš dlouho neaktivní"}},
		{id: "NET-01", code: finding.TCPTimeout, oneOf: silence(), ask: []string{askTCPOrSilence}, any: []string{
			"timeout abgelaufen", "le délai est dépassé", "tiempo de espera agotado", "timeout scaduto",
			"タイムアウト期間が過ぎました", ": 시간 초과", "не удалось: тайм-аут", "timeout utgången", "тайм-аут минув", "超时满"}},
		{id: "NET-02", code: finding.TCPRefused, any: []string{"verbindungsaufbau abgelehnt", "connexion refusée",
			"conexión rehusada", "connessione rifiutata", "接続を拒否されました", "연결이 거부됨", "в соединении отказано",
			"förbindelsen förvägrad", "у з'єднанні відмовлено", "拒绝连接", "conexão recusada", "połączenie odrzucone",
			"bağlantı reddedildi", "spojení odmítnuto"}},
		{id: "NET-04", code: finding.TCPHostUnreachable, any: []string{"keine route zum zielrechner",
			"aucun chemin d'accès pour atteindre l'hôte cible", "no existe ninguna ruta hasta el",
			"nessun instradamento per l'host", "ホストへの経路がありません", "호스트로 갈 루트가 없음", "нет маршрута до узла",
			"ingen väg till värd", "немає маршруту до вузла", "没有到主机的路由", "não há rota para o host",
			"brak trasy do hosta", "makinaya ağ üzerinden yol yok", "k počítači neexistuje cesta"}},
		{id: "NET-05", code: finding.TCPNetworkUnreachable, any: []string{"das netzwerk ist nicht erreichbar",
			"le réseau n'est pas accessible", "la red es inaccesible", "la rete non è raggiungibile", "ネットワークに届きません",
			"네트워크가 접근 불가능합니다", "сеть недоступна", "nätverket kan inte nås", "не вдалося отримати доступ до мережі",
			"网络不可达", "a rede está fora de alcance", "sieć jest niedostępna", "ağ erişilebilir durumda değil",
			"síť není dostupná"}},
		{id: "NET-09", code: finding.PeerClosed, oneOf: gone(), ask: []string{askStage, askIdle}, any: []string{
			"server beendete die verbindung unerwartet", "la connexion au serveur a été coupée de façon inattendue",
			"el servidor ha cerrado la conexión inesperadamente", "il server ha chiuso la connessione inaspettatamente",
			"サーバーとの接続が想定外にクローズされました", "서버가 갑자기 연결을 닫았음", "сервер неожиданно закрыл соединение",
			"servern stängde oväntat ner uppkopplingen", "сервер неочікувано закрив підключення", "服务器意外地关闭了联接"}},
		{id: "NET-10", code: finding.PeerReset, oneOf: cutOff(), ask: []string{askStage}, any: resets()},
	}
}

// numberedTexts are the numbers of Linux and Windows that stand beside words of any language: libpq's
// (0x0000274D/10061), Python's [Errno 111] and [WinError 10061], .NET's SocketException (10061), Rust's os error 111.
func numberedTexts() []signature {
	const before = `(?:\[(?:Errno|WinError) |SocketException[^()]{0,20}\(|os error |\(0x[0-9A-Fa-f]{8}/)`
	return []signature{
		{id: "NET-01", code: finding.TCPTimeout, any: []string{"110", "10060"}, pattern: before + `(?:110|10060)\b`},
		{id: "NET-02", code: finding.TCPRefused, any: []string{"111", "10061"}, pattern: before + `(?:111|10061)\b`},
		{id: "NET-04", code: finding.TCPHostUnreachable, any: []string{"113", "10065"}, pattern: before + `(?:113|10065)\b`},
		{id: "NET-05", code: finding.TCPNetworkUnreachable, any: []string{"101", "10051"},
			pattern: before + `(?:101|10051)\b`},
		{id: "NET-10", code: finding.PeerReset, any: []string{"104", "10054"}, pattern: before + `(?:104|10054)\b`,
			oneOf: cutOff(), ask: []string{askStage}},
		{id: "DNS-01", code: finding.DNSNameNotFound, any: []string{"11001"}, pattern: before + `11001\b`,
			oneOf: notFound(), ask: []string{askDNSAnswer}},
	}
}
