// Drives BouncyCastle's EST client (org.bouncycastle.est) from the command line, for the tests.
//
//   EstClient COMMAND --port N [--label L] --trust FILE [--user NAME --password P] [--p12 FILE] [--csr FILE] [--out FILE] [--key-out FILE]
//
// COMMAND is cacerts, csrattrs, enroll, reenroll or keygen. What comes back is written as DER: a certificate to --out, a key to
// --key-out. A refusal is told as "refused STATUS" and its body, a 202 as "wait", and both exit with 3.

import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.est.ESTAuth;
import org.bouncycastle.est.ESTException;
import org.bouncycastle.est.ESTService;
import org.bouncycastle.est.EnrollmentResponse;
import org.bouncycastle.est.HttpAuth;
import org.bouncycastle.est.jcajce.JcaJceUtils;
import org.bouncycastle.est.jcajce.JsseESTServiceBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.util.Store;

public class EstClient {
	private static final char[] P12_PASSWORD = "changeit".toCharArray();

	private final Map<String, String> options = new HashMap<>();

	private String need(String name) {
		String value = options.get(name);

		if (value == null)
			throw new IllegalArgumentException("--" + name + " is needed");
		return value;
	}

	private ESTService service() throws Exception {
		X509Certificate root;
		JsseESTServiceBuilder builder;

		try (InputStream in = new FileInputStream(need("trust"))) {
			root = (X509Certificate)CertificateFactory.getInstance("X.509").generateCertificate(in);
		}
		builder = new JsseESTServiceBuilder("localhost", Integer.parseInt(need("port")),
		    JcaJceUtils.getCertPathTrustManager(Set.of(new TrustAnchor(root, null)), null));
		builder.withTimeout(30000);
		if (options.containsKey("label"))
			builder.withLabel(options.get("label"));
		if (options.containsKey("p12")) {
			KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
			KeyStore store = KeyStore.getInstance("PKCS12");

			try (InputStream in = new FileInputStream(options.get("p12"))) {
				store.load(in, P12_PASSWORD);
			}
			keys.init(store, P12_PASSWORD);
			builder.withKeyManagers(keys.getKeyManagers());
		}
		return builder.build();
	}

	private ESTAuth auth() {
		if (!options.containsKey("password"))
			return null;
		return new HttpAuth(options.getOrDefault("user", ""), options.get("password").toCharArray());
	}

	private PKCS10CertificationRequest request() throws Exception {
		return new PKCS10CertificationRequest(Files.readAllBytes(Path.of(need("csr"))));
	}

	private void writeOne(Store<X509CertificateHolder> store) throws Exception {
		Collection<X509CertificateHolder> found = store.getMatches(null);

		if (found.size() != 1)
			throw new IllegalStateException(found.size() + " certificates came");
		Files.write(Path.of(need("out")), found.iterator().next().getEncoded());
	}

	private int enrolled(EnrollmentResponse answer) throws Exception {
		if (!answer.isCompleted()) {
			System.out.println("wait " + (answer.getNotBefore() - System.currentTimeMillis()) / 1000);
			return 3;
		}
		writeOne(answer.getStore());
		if (options.containsKey("key-out"))
			Files.write(Path.of(options.get("key-out")), answer.getPrivateKeyInfo().getEncoded());
		return 0;
	}

	private int run(String command) throws Exception {
		switch (command) {
		case "cacerts":
			writeOne(service().getCACerts().getCertificateStore());
			return 0;
		case "csrattrs":
			for (ASN1ObjectIdentifier oid : service().getCSRAttributes().getAttributesResponse().getRequirements())
				System.out.println(oid.getId());
			return 0;
		case "enroll":
			return enrolled(service().simpleEnroll(false, request(), auth()));
		case "reenroll":
			return enrolled(service().simpleEnroll(true, request(), auth()));
		case "keygen":
			return enrolled(service().simpleEnrollWithServersideCreation(request(), auth()));
		default:
			throw new IllegalArgumentException(command);
		}
	}

	public static void main(String[] args) throws Exception {
		EstClient client = new EstClient();

		Security.addProvider(new BouncyCastleProvider());
		for (int i = 1; i + 1 < args.length; i += 2)
			client.options.put(args[i].substring(2), args[i + 1]);
		try {
			System.exit(client.run(args[0]));
		} catch (ESTException e) {
			if (e.getStatusCode() == 0)
				throw e;
			System.out.println("refused " + e.getStatusCode());
			if (e.getBody() != null)
				System.out.println(new String(e.getBody().readAllBytes()));
			System.exit(3);
		}
	}
}
