BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE audit (
	seq INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	event VARCHAR NOT NULL, 
	actor VARCHAR NOT NULL, 
	surface VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	request_id VARCHAR NOT NULL, 
	tool VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	text_digest VARCHAR NOT NULL, 
	previous VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "audit" VALUES(1,'2030-01-07 09:00:00.000000','run.started','slack:T1:USAM','slack','R000002','','','','bdf9f1569b6a364d41c185c98869f4ea7b2c964ab1b357330aa89a79894f3626','0000000000000000000000000000000000000000000000000000000000000000','f44a2f4f5e827d6a3304a7f6af46d899a0aca28f52d85ed3ee80e4ae6b56012b','95a0a37ac0ab3527975818197a9f6dec1386b6e1b3efa8dea293acd24e2e6a53');
INSERT INTO "audit" VALUES(2,'2030-01-07 09:00:00.000000','request.opened','system::signoff','internal','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','f8228256030421c866e79de68591968da36b8a292fc8b9d4da260cc5e86160dd','f44a2f4f5e827d6a3304a7f6af46d899a0aca28f52d85ed3ee80e4ae6b56012b','1202511277f16e5ce4cb34d3f1cd3cbb9d5618c5221dde2325c2b7c4f2eafb4f','bc99a95ec66f65d386c82897ba0bde250fe5561c00c16a32b50a7b969ea1efcf');
INSERT INTO "audit" VALUES(3,'2030-01-07 09:00:00.000000','run.paused','system::signoff','internal','R000002','','','','e185d7846196b655427b3438818a9bf7415b39b6d9adcc269cc4296eb4330b7d','1202511277f16e5ce4cb34d3f1cd3cbb9d5618c5221dde2325c2b7c4f2eafb4f','37a4eff0ed3cb141a7bb1e73e3c55446b490a3b66a38191518928c9418936e86','91da5aae43c6807f09b626877c8bedd6cfd6678d2452cddce57dcc687a91f854');
INSERT INTO "audit" VALUES(4,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UANA','slack','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','eb695487d5443fb09222f8eb53e3b01f5e8c58ee1bd99daf4b316b1dfdaef7f1','37a4eff0ed3cb141a7bb1e73e3c55446b490a3b66a38191518928c9418936e86','7d1d0f50ee87697ed52ab3c52c847b8add4d8a5b4706d47eb3a9be62b20ca371','5387e7aca11a0cfe975853755e4a6e89f7f039706e814241adb9092ffd93103a');
INSERT INTO "audit" VALUES(5,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UBOB','slack','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','78fe7563654bd2d88940ef641305b575687aba1ab14f62ef3580ce403d90bc02','7d1d0f50ee87697ed52ab3c52c847b8add4d8a5b4706d47eb3a9be62b20ca371','727b61f53d3f363ddd3f4360ba3d8c66569c08308405ebbbc825fd4089ffc994','09c8e264d103aadd8b645f9b6fc3473d51eea06be1a10082ceac2e88e4b91592');
INSERT INTO "audit" VALUES(6,'2030-01-07 09:00:00.000000','request.closed','slack:T1:UBOB','slack','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','e43709c4354e8e57ab2f1961d8aaaa4ffd527d443faf4a436e6649c55b535a72','727b61f53d3f363ddd3f4360ba3d8c66569c08308405ebbbc825fd4089ffc994','7ae372f7d3b575ed2bfcc71152dfe9df8b460c4ca3a9828a5a81c17673ec645c','30ba7dfcc695ed3fe4e95b9de5f31f778560ef3012449c4fb4f8053cbbed6a53');
INSERT INTO "audit" VALUES(7,'2030-01-07 09:00:00.000000','call.started','system::signoff','internal','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','97cb9366ae2cfed0365ba5dc9495ff61b7f9ac246f029024d28e4f29d4814ab9','7ae372f7d3b575ed2bfcc71152dfe9df8b460c4ca3a9828a5a81c17673ec645c','121dd223328d7df85d243840083ef6bfc81d1fce63be8ec1cbc7dcb2a2cffa7f','66fe645cf73ce24ddce7aa277ee1ef8dc052fe6d665308da6790c48665af1e62');
INSERT INTO "audit" VALUES(8,'2030-01-07 09:00:00.000000','call.finished','system::signoff','internal','R000002','A000003','buy','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','1863969cb162e75eb87915f068e8c44f965a08149eb7e1ac71d25f90b062987b','121dd223328d7df85d243840083ef6bfc81d1fce63be8ec1cbc7dcb2a2cffa7f','3adfe3cbd0e017070f6d6819842d04b1f1d6e7a722ea397967d58ed5d7982bc8','30f0d1d36df60704c2a708a008b85134a7b168f1cb6c731e184066ef8c2b74b8');
INSERT INTO "audit" VALUES(9,'2030-01-07 09:00:00.000000','run.succeeded','system::signoff','internal','R000002','','','','bc4910dc4963c4b1d6ceadaa63b0fc3403e2d9ebde114a453d91524b2238962b','3adfe3cbd0e017070f6d6819842d04b1f1d6e7a722ea397967d58ed5d7982bc8','f6d067347e3d9726dfcecd99125532aa4485c4aefe7d746787abbefedfda8824','d9a51a536a9dcf112e5e921b2a0ea48816b93318dab7f482372c9ca4f84f8956');
INSERT INTO "audit" VALUES(10,'2030-01-07 09:00:00.000000','run.started','slack:T1:USAM','slack','R000004','','','','b0c919f15c1cdbb6016abf1101759f14a8d4e09f240eb2640aadb21753b6bc8f','f6d067347e3d9726dfcecd99125532aa4485c4aefe7d746787abbefedfda8824','1569d0747aec7b5a0d41accf833f266dcef894d07113efb3cbf861baedb7cc3f','51dc80cff50cf8bf0acdf18c68d5473bebac555e4e6702cc736e530a35eade9b');
INSERT INTO "audit" VALUES(11,'2030-01-07 09:00:00.000000','request.opened','system::signoff','internal','R000004','A000005','buy','21f671e2ac96375424d3406c815b993686732262937e515919ad8f8aed824369','8eb48e549a048706b81b9dfad8681de130f129fa0417c589b7223623490159f7','1569d0747aec7b5a0d41accf833f266dcef894d07113efb3cbf861baedb7cc3f','b6c9bead050349b868934b4091378f71f18c0b364fc4a68ff135d8a59ba31393','b6a720ee8ff952329b05275f3eb13f8af52c3df8c64a3886f51a71ce04806f14');
INSERT INTO "audit" VALUES(12,'2030-01-07 09:00:00.000000','run.paused','system::signoff','internal','R000004','','','','4f20086f815f56cac50fdac99845fb7b7480af22c1195a141138400bc1a5e47a','b6c9bead050349b868934b4091378f71f18c0b364fc4a68ff135d8a59ba31393','99b25e16e9009b686983659438550cdcfac0781e5315396cdd8956a5a9484557','26284e5e5079b0035b7bc39ad320f451a743b693c5ea3dfd5b9a35c859353bfa');
INSERT INTO "audit" VALUES(13,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UANA','slack','R000004','A000005','buy','21f671e2ac96375424d3406c815b993686732262937e515919ad8f8aed824369','307cfa55361a28354bf336486bd5455f86e166c0d51872098709f621eb62f849','99b25e16e9009b686983659438550cdcfac0781e5315396cdd8956a5a9484557','db792bc0206d9eecb2f334b9fec255c5d6a93d9e52756d6e2240eea91d5cc7b6','494b4a7848a66dd6490a64d21ba43e4ce3b82fdfa033dbebdd3583101d1c3cf7');
INSERT INTO "audit" VALUES(14,'2030-01-07 09:00:00.000000','run.started','slack:T1:USAM','slack','R000006','','','','1810e57cb54a3c05e6291e7c5d52b86a30a8df1d1efc6f175b46b75f6606ea30','db792bc0206d9eecb2f334b9fec255c5d6a93d9e52756d6e2240eea91d5cc7b6','3c0ec529f5cc159e01e0814354e7334cef64eefef9b436b394bfd78016e0faf9','b9a8b4e492ab81729053545a227c159690c933d6ab8bd0595a3213a7e014b4f3');
INSERT INTO "audit" VALUES(15,'2030-01-07 09:00:00.000000','request.opened','system::signoff','internal','R000006','A000007','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','0beec8b1212e0bdb936dd79c3b05db8e6d31da8389b1cf098565f93fb3b622fe','3c0ec529f5cc159e01e0814354e7334cef64eefef9b436b394bfd78016e0faf9','c75728dcbd27b94953da8ad0dc4ca4a09e3d614bc7c2eb222b37f4413af2900b','40feca710c39acef8fed1f56b4b4d7c365b5b3bbbf343061c109b86e1b7a9ef1');
INSERT INTO "audit" VALUES(16,'2030-01-07 09:00:00.000000','run.paused','system::signoff','internal','R000006','','','','2e970b50b170e437140ba0bca74ce5410c655be627d14a67d1a1591be762f131','c75728dcbd27b94953da8ad0dc4ca4a09e3d614bc7c2eb222b37f4413af2900b','8c3d14731528b393a674a4215286181edc3cda425dc07e30e250d7cb4d614180','a42c827c8de3d719736058568534948b9e488484df87fcc78657b60ee487fadd');
INSERT INTO "audit" VALUES(17,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UANA','slack','R000006','A000007','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','263775f8b5c6aba8f83f6fbbbd624ceed19fc0f0ebc8de4f17f780d266d57231','8c3d14731528b393a674a4215286181edc3cda425dc07e30e250d7cb4d614180','08db2de168ef0a8f3e1ef901ec89e11c5cfcfac993cdc60defd68364f3542b1d','3dead33c54714471f486a21e04cd2b852562cf5c7fbd7ed21a3a0ce09a0db692');
INSERT INTO "audit" VALUES(18,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UCLEO','slack','R000006','A000007','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','0c3b1b1585338626fd6028b0f7d73fac47fb773a09bf1d784e4d941e8ae94a87','08db2de168ef0a8f3e1ef901ec89e11c5cfcfac993cdc60defd68364f3542b1d','2dca0686d58ba8b13738deaeedfafec5c47717f1a779e60aa996ea38fe3991d8','695ac2a9d6a8cf47decce4abf76973b615d1d544248b8b2a9904f9540d19cf2e');
INSERT INTO "audit" VALUES(19,'2030-01-07 09:00:00.000000','request.closed','slack:T1:UCLEO','slack','R000006','A000007','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','b99ca0828428612ac0e4795e71c974d08fdbf20c10690c30c5483c68c062e274','2dca0686d58ba8b13738deaeedfafec5c47717f1a779e60aa996ea38fe3991d8','a76ff5a209d1814c622dffdce302f8dd2be1f699f65cfd482d6536e7203e28eb','007e5394332d55947a3c0e115606ca15941c56bfc62798001e1724eafc06c4de');
INSERT INTO "audit" VALUES(20,'2030-01-07 09:00:00.000000','call.started','system::signoff','internal','R000006','A000007','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','9b17454663c58921135fde218521700406bbb2d5822dec3dffd5c72d5524090c','a76ff5a209d1814c622dffdce302f8dd2be1f699f65cfd482d6536e7203e28eb','a41eedfe4dc6262e891072fcd6cae7c03998cc9924a5dda10c4ae9172d9984c8','94eb9c456cbe7dcc2afb67e2e7394c9766fd6b44c4deafcd3553f5f441d4498a');
INSERT INTO "audit" VALUES(21,'2030-01-07 09:00:00.000000','request.opened','system::signoff','internal','R000006','A000009','buy','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','aae931935b24b802597082cb201ecf686bf2aeb51e25473c28f3fe6d9c71697c','a41eedfe4dc6262e891072fcd6cae7c03998cc9924a5dda10c4ae9172d9984c8','e09dc0469c36e201520d21caf1cc53d56b0ab7faeea8490f0a574dae544df2f0','935b4189f37d3ef9ab71f56dce43b171ed7f4c849c3aaef3f9c0d65526a2a1d3');
INSERT INTO "audit" VALUES(22,'2030-01-07 09:00:00.000000','run.paused','system::signoff','internal','R000006','','','','dc2f995f7b70491d2cc80e23c9e4636d849b2d687aaa4b5962cf867e969c476f','e09dc0469c36e201520d21caf1cc53d56b0ab7faeea8490f0a574dae544df2f0','573956b53610596b620708d95891a57f8901ddd48bd508414a0d0178d1bee014','c2ca25c4a03e00522d41b6813e4ea067e9a77c9751475a758d9037ec034b6613');
INSERT INTO "audit" VALUES(23,'2030-01-07 09:00:00.000000','run.started','slack:T1:USAM','slack','R000010','','','','2d6efe86755a4510ecafc1a90a90a1014abfad1959ceb70dedc1f8154a9703df','573956b53610596b620708d95891a57f8901ddd48bd508414a0d0178d1bee014','455b7a360a4690ff9a89b862067b7cd848ae0b224bef4e7db8fcdf1f668702f4','ec5d37418a4f845b0c5587ae061361663ad5e91f77d6dcefda9b5c9cbd9870a4');
INSERT INTO "audit" VALUES(24,'2030-01-07 09:00:00.000000','request.opened','system::signoff','internal','R000010','A000011','pay','0c8a604384b295d1693566ee49f4b025a9dc1f11406b35b83246f40e8269e736','8b4ace3ce3fb8fb415bc7924f76320e2770a2edc1937059f48aa2af90379d437','455b7a360a4690ff9a89b862067b7cd848ae0b224bef4e7db8fcdf1f668702f4','b5a840b23c3aa7b1edd8ab583b09763e44cd8aba06d0cd6c4bc66455ba797178','9c2e43adfaf92f7c8979733028ee019a2d001b2254e02eb08ce4ac2833e424b0');
INSERT INTO "audit" VALUES(25,'2030-01-07 09:00:00.000000','run.paused','system::signoff','internal','R000010','','','','907cfeed66876f8f2d475d64dea4ecf12eddc7101ab2fe2d0c7b2674f5a3c4be','b5a840b23c3aa7b1edd8ab583b09763e44cd8aba06d0cd6c4bc66455ba797178','99c2bb40e6bde57958413d8ef05077c883ce53e2485ff23081c86b94f5dfc85f','5ccd804ace973a5c939afc81d79873aab23677d0fa38174af574a3cf3b063564');
INSERT INTO "audit" VALUES(26,'2030-01-07 09:00:00.000000','decision.made','slack:T1:UANA','slack','R000010','A000011','pay','0c8a604384b295d1693566ee49f4b025a9dc1f11406b35b83246f40e8269e736','2ea32175dc87052e20e0d71e41a299e54e8d86c447846b9aaa65201a13bdc355','99c2bb40e6bde57958413d8ef05077c883ce53e2485ff23081c86b94f5dfc85f','ec7cd822de956ff029878f94a0e40c5467845438524955aa76db469e580fc78a','7eeb8c8210b54bfe64fb55851d49b7ff62e56d92761f07c34b1e716828f39616');
INSERT INTO "audit" VALUES(27,'2030-01-07 09:00:00.000000','request.closed','slack:T1:UANA','slack','R000010','A000011','pay','0c8a604384b295d1693566ee49f4b025a9dc1f11406b35b83246f40e8269e736','7a2afa71ca87fbae944532ab87398db5e214f296677b3fd13229dbf66d088704','ec7cd822de956ff029878f94a0e40c5467845438524955aa76db469e580fc78a','581d7a50846813c2ab110364b40995c9b0cf83d7ecfe16b3d56c9b4390d3a0f9','4d225ed175cb1d9362c9525c552d962046c5f26d359b69cd6c1617fc3a54c8e3');
CREATE TABLE audit_text (
	seq INTEGER NOT NULL, 
	salt VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (seq), 
	FOREIGN KEY(seq) REFERENCES audit (seq)
);
INSERT INTO "audit_text" VALUES(1,'56effff909cbd2521ad71be2530e97f1','{"actor_name": "Sam", "evidence": {"ts": "1.1"}, "agent": "agent", "input": {"text": "go"}}');
INSERT INTO "audit_text" VALUES(2,'f46c917f90eca6f6df9fdcefc2dc7bf2','{"actor_name": "Signoff", "evidence": {}, "kind": "tool", "policy": "policy 1 (tool = \"buy\")", "args": {"amount": 10}}');
INSERT INTO "audit_text" VALUES(3,'948b0323990bc34922b79d57cf242bc7','{"actor_name": "Signoff", "evidence": {}, "requests": 1}');
INSERT INTO "audit_text" VALUES(4,'39aecc84e5552cb2373873197610839c','{"actor_name": "Ana", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(5,'d3adc60ad2fb8d3d44656578648a75b7','{"actor_name": "Bob", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(6,'6d5eede33d9724c7941bcaa1986dc7f3','{"actor_name": "Bob", "evidence": {"ts": "1.1"}, "status": "approved", "reason": ""}');
INSERT INTO "audit_text" VALUES(7,'4e0f7a08cf84ae4d4b12db66978377bf','{"actor_name": "Signoff", "evidence": {}}');
INSERT INTO "audit_text" VALUES(8,'409ca7000f77f3f6c0eab0e19f24fce6','{"actor_name": "Signoff", "evidence": {}, "status": "finished", "summary": "buy done"}');
INSERT INTO "audit_text" VALUES(9,'957417808ca8897af16409d775d5ae30','{"actor_name": "Signoff", "evidence": {}, "output": {"m1/c1": "buy done"}}');
INSERT INTO "audit_text" VALUES(10,'2923bba09640df41868c33486aa50512','{"actor_name": "Sam", "evidence": {"ts": "1.1"}, "agent": "agent", "input": {"text": "go"}}');
INSERT INTO "audit_text" VALUES(11,'5aa2bf5ec39df246572adc8e0782e7f6','{"actor_name": "Signoff", "evidence": {}, "kind": "tool", "policy": "policy 1 (tool = \"buy\")", "args": {"amount": 10}}');
INSERT INTO "audit_text" VALUES(12,'58a0abb0145fd933d77d6d8e8b6919db','{"actor_name": "Signoff", "evidence": {}, "requests": 1}');
INSERT INTO "audit_text" VALUES(13,'d08a88b293433a65c9ce08a760c4210e','{"actor_name": "Ana", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(14,'bc28dc0bc7efa09552ba21b4f26f5aec','{"actor_name": "Sam", "evidence": {"ts": "1.1"}, "agent": "agent", "input": {"text": "go"}}');
INSERT INTO "audit_text" VALUES(15,'5caf30e92048ddd18007d76a63ee914b','{"actor_name": "Signoff", "evidence": {}, "kind": "tool", "policy": "policy 1 (tool = \"buy\")", "args": {"amount": 10}}');
INSERT INTO "audit_text" VALUES(16,'573c59bd188b3d8749dd19a5f606eaef','{"actor_name": "Signoff", "evidence": {}, "requests": 1}');
INSERT INTO "audit_text" VALUES(17,'44cc13748a46eea2886b4c7fac07055a','{"actor_name": "Ana", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(18,'0ba664b48ebdf1d6e4cf0694a2934da5','{"actor_name": "Cleo", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(19,'8900e623e8deb7e7c27fbe78f14bfacb','{"actor_name": "Cleo", "evidence": {"ts": "1.1"}, "status": "approved", "reason": ""}');
INSERT INTO "audit_text" VALUES(20,'7d341ce0e05099bbeb839305392cefbf','{"actor_name": "Signoff", "evidence": {}}');
INSERT INTO "audit_text" VALUES(21,'72581f832ea71782a944a652255539a9','{"actor_name": "Signoff", "evidence": {}, "kind": "outcome", "policy": "policy 1 (tool = \"buy\")", "args": {"amount": 10}}');
INSERT INTO "audit_text" VALUES(22,'6d6ea57f8a162e8c5b7e5649c0c1b9bb','{"actor_name": "Signoff", "evidence": {}, "requests": 1}');
INSERT INTO "audit_text" VALUES(23,'6f1824b73be481fe08e54754953f0a74','{"actor_name": "Sam", "evidence": {"ts": "1.1"}, "agent": "agent", "input": {"text": "go"}}');
INSERT INTO "audit_text" VALUES(24,'a9c8f77b621830530cc8222640c255c2','{"actor_name": "Signoff", "evidence": {}, "kind": "tool", "policy": "policy 2 (tool = \"pay\")", "args": {"amount": 20}}');
INSERT INTO "audit_text" VALUES(25,'92bd8d0d77e2890011dd659db7490378','{"actor_name": "Signoff", "evidence": {}, "requests": 1}');
INSERT INTO "audit_text" VALUES(26,'75e1e081644bcfc4d0af36e0f26034e0','{"actor_name": "Ana", "evidence": {"ts": "1.1"}, "decision": "approved", "reason": "", "stage": 0, "revision": 1}');
INSERT INTO "audit_text" VALUES(27,'39e379d9ffaa2bde7b67ec154886d667','{"actor_name": "Ana", "evidence": {"ts": "1.1"}, "status": "approved", "reason": ""}');
CREATE TABLE boot (
	id VARCHAR NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	host VARCHAR NOT NULL, 
	pid INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "boot" VALUES('B000001','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000','host',1);
INSERT INTO "boot" VALUES('B000008','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000','host',1);
CREATE TABLE checkpoint (
	thread_id VARCHAR NOT NULL, 
	namespace VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	parent_id VARCHAR, 
	format VARCHAR NOT NULL, 
	body BLOB NOT NULL, 
	about JSON NOT NULL, 
	PRIMARY KEY (thread_id, namespace, id)
);
CREATE TABLE checkpoint_write (
	thread_id VARCHAR NOT NULL, 
	namespace VARCHAR NOT NULL, 
	checkpoint_id VARCHAR NOT NULL, 
	task_id VARCHAR NOT NULL, 
	idx INTEGER NOT NULL, 
	task_path VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	format VARCHAR NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (thread_id, namespace, checkpoint_id, task_id, idx)
);
CREATE TABLE decision (
	id INTEGER NOT NULL, 
	request_id VARCHAR NOT NULL, 
	revision INTEGER NOT NULL, 
	stage INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	actor JSON NOT NULL, 
	actor_key VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	value JSON, 
	digest VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	withdrawn_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(request_id) REFERENCES request (id), 
	CONSTRAINT decision_kind CHECK (kind IN ('approved', 'rejected', 'skipped', 'answered'))
);
INSERT INTO "decision" VALUES(1,'A000003',1,0,'approved','{"kind": "slack", "id": "UANA", "team": "T1", "name": "Ana"}','slack:T1:UANA','',NULL,'cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','29e2fd9e2a93232805b53f92631b8f71eea2422a5e402ea63b1d053b33e095dc','2030-01-07 09:00:00.000000',NULL);
INSERT INTO "decision" VALUES(2,'A000003',1,0,'approved','{"kind": "slack", "id": "UBOB", "team": "T1", "name": "Bob"}','slack:T1:UBOB','',NULL,'cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','6d4cb53ec4945e4017c048094bb362cef8cec9c9fa728a02de53b1be02816b9d','2030-01-07 09:00:00.000000',NULL);
INSERT INTO "decision" VALUES(3,'A000005',1,0,'approved','{"kind": "slack", "id": "UANA", "team": "T1", "name": "Ana"}','slack:T1:UANA','',NULL,'21f671e2ac96375424d3406c815b993686732262937e515919ad8f8aed824369','9a2d34b9b20c503fa251878a23ab7186ef9567584fdf842cc92addaa2b05062e','2030-01-07 09:00:00.000000',NULL);
INSERT INTO "decision" VALUES(4,'A000007',1,0,'approved','{"kind": "slack", "id": "UANA", "team": "T1", "name": "Ana"}','slack:T1:UANA','',NULL,'3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','2365b83eb9c89c9d06c9f80bdeff73ad76599f0f32776b513e08d0dc3533c071','2030-01-07 09:00:00.000000',NULL);
INSERT INTO "decision" VALUES(5,'A000007',1,0,'approved','{"kind": "slack", "id": "UCLEO", "team": "T1", "name": "Cleo"}','slack:T1:UCLEO','',NULL,'3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','3879afe98b9dbe31dc960171a8a89a6f098513b2484b5f387cf2133adf3f63bf','2030-01-07 09:00:00.000000',NULL);
INSERT INTO "decision" VALUES(6,'A000011',1,0,'approved','{"kind": "slack", "id": "UANA", "team": "T1", "name": "Ana"}','slack:T1:UANA','',NULL,'0c8a604384b295d1693566ee49f4b025a9dc1f11406b35b83246f40e8269e736','11f2aebef58d9c896b9b1ad3bbcda8528876ee88159d0bb03bb80e8d66783e8b','2030-01-07 09:00:00.000000',NULL);
CREATE TABLE journal (
	run_id VARCHAR NOT NULL, 
	call_key VARCHAR NOT NULL, 
	step VARCHAR NOT NULL, 
	call_id VARCHAR NOT NULL, 
	tool VARCHAR NOT NULL, 
	args JSON, 
	digest VARCHAR NOT NULL, 
	request_id VARCHAR, 
	idempotent BOOLEAN NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	owner VARCHAR NOT NULL, 
	attempt INTEGER NOT NULL, 
	starts INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	ended_at DATETIME, 
	format VARCHAR NOT NULL, 
	outcome BLOB, 
	summary VARCHAR NOT NULL, 
	mac VARCHAR NOT NULL, 
	PRIMARY KEY (run_id, call_key), 
	FOREIGN KEY(run_id) REFERENCES run (id), 
	CONSTRAINT call_status CHECK (status IN ('started', 'finished', 'failed', 'suspended', 'unknown'))
);
INSERT INTO "journal" VALUES('R000002','m1/c1','m1','c1','buy','{"amount": 10}','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','A000003',0,'finished','B000001',2,1,'2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000','text',X'62757920646F6E65','buy done','1230f07c2e49ede56932113a1d7bc62efacec7598ef5578bae4f745c70acd51a');
INSERT INTO "journal" VALUES('R000006','m1/c1','m1','c1','buy','{"amount": 10}','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','A000007',0,'started','B000001',2,1,'2030-01-07 09:00:00.000000',NULL,'',NULL,'','ad91df3c1c07b0e9bef597c844234055fe721a535c257ad7bed7df14954fcaf1');
CREATE TABLE message (
	"key" VARCHAR NOT NULL, 
	channel VARCHAR NOT NULL, 
	ts VARCHAR, 
	thread_ts VARCHAR NOT NULL, 
	rendering VARCHAR NOT NULL, 
	posting_since DATETIME, 
	posts INTEGER NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY ("key"), 
	UNIQUE (channel, ts)
);
CREATE TABLE outbox (
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	subject VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	priority INTEGER NOT NULL, 
	wanted INTEGER NOT NULL, 
	shown INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	owner VARCHAR, 
	attempt INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	lease_until DATETIME, 
	error VARCHAR NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY ("key"), 
	CONSTRAINT delivery_status CHECK (status IN ('due', 'leased', 'done', 'dead', 'expired'))
);
INSERT INTO "outbox" VALUES('run:R000002','run','R000002','{}','due',25,7,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('card:A000003:0','card','A000003','{}','due',10,4,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('note:6','note','R000002','{"text": "buy: approved by Bob"}','due',40,1,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('note:9','note','R000002','{"text": "Done: { \"m1/c1\": \"buy done\" }"}','due',40,1,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('run:R000004','run','R000004','{}','due',25,4,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('card:A000005:0','card','A000005','{}','due',30,2,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('run:R000006','run','R000006','{}','due',25,7,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('card:A000007:0','card','A000007','{}','due',10,3,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('note:19','note','R000006','{"text": "buy: approved by Cleo"}','due',40,1,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('card:A000009:0','card','A000009','{}','due',20,1,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('run:R000010','run','R000010','{}','due',25,4,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('card:A000011:0','card','A000011','{}','due',10,2,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
INSERT INTO "outbox" VALUES('note:27','note','R000010','{"text": "pay: approved by Ana"}','due',40,1,0,'2030-01-07 09:00:00.000000',NULL,NULL,0,0,NULL,'','2030-01-07 09:00:00.000000');
CREATE TABLE pause (
	id INTEGER NOT NULL, 
	since DATETIME, 
	total_seconds FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_pause CHECK (id = 1)
);
CREATE TABLE request (
	id VARCHAR NOT NULL, 
	run_id VARCHAR NOT NULL, 
	agent VARCHAR NOT NULL, 
	starter_key VARCHAR NOT NULL, 
	pause INTEGER NOT NULL, 
	ordinal INTEGER NOT NULL, 
	subject VARCHAR NOT NULL, 
	generation INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	revision INTEGER NOT NULL, 
	stage INTEGER NOT NULL, 
	step VARCHAR NOT NULL, 
	call_id VARCHAR NOT NULL, 
	tool VARCHAR NOT NULL, 
	args JSON, 
	payload JSON, 
	reason VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	rules JSON NOT NULL, 
	rules_mac VARCHAR NOT NULL, 
	on_timeout VARCHAR(16) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	stage_opened_at DATETIME NOT NULL, 
	due_at DATETIME, 
	closed_at DATETIME, 
	closed_by JSON, 
	close_reason VARCHAR NOT NULL, 
	answer JSON, 
	consumed_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(run_id) REFERENCES run (id), 
	UNIQUE (run_id, subject, generation), 
	CONSTRAINT request_kind CHECK (kind IN ('tool', 'question', 'review', 'outcome')), 
	CONSTRAINT request_status CHECK (status IN ('pending', 'approved', 'rejected', 'skipped', 'answered', 'expired', 'cancelled', 'lapsed')), 
	CONSTRAINT on_timeout CHECK (on_timeout IN ('reject', 'skip', 'fail', 'keep'))
);
INSERT INTO "request" VALUES('A000003','R000002','agent','slack:T1:USAM',1,0,'call:m1/c1',0,'tool','approved',1,0,'m1','c1','buy','{"amount": 10}',NULL,'','cf72b742782dc18ecbd960d5a161daec5bad3503124d6c77c7960233c96d2c4c','{"policy": "policy 1 (tool = \"buy\")", "stages": [{"name": "default", "approvers": ["user:UANA", "user:UBOB", "user:UCLEO"], "quorum": 2, "channel": "", "allow_public": false}], "note": "", "decisions": ["approved", "rejected"], "timeout": "P1D", "on_timeout": "reject", "valid_for": null, "allow_self_approval": false, "allow_guests": false, "idempotent": false}','a492428eb61784630a1fa2d443207caf58da1a6b8e180438ddadab48678cfa30','reject','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000',NULL,'2030-01-07 09:00:00.000000','{"kind": "slack", "id": "UBOB", "team": "T1", "name": "Bob"}','',NULL,'2030-01-07 09:00:00.000000');
INSERT INTO "request" VALUES('A000005','R000004','agent','slack:T1:USAM',1,0,'call:m1/c1',0,'tool','pending',1,0,'m1','c1','buy','{"amount": 10}',NULL,'','21f671e2ac96375424d3406c815b993686732262937e515919ad8f8aed824369','{"policy": "policy 1 (tool = \"buy\")", "stages": [{"name": "default", "approvers": ["user:UANA", "user:UBOB", "user:UCLEO"], "quorum": 2, "channel": "", "allow_public": false}], "note": "", "decisions": ["approved", "rejected"], "timeout": "P1D", "on_timeout": "reject", "valid_for": null, "allow_self_approval": false, "allow_guests": false, "idempotent": false}','db8e7fde55e506dac906fb9de027741d876763783134e7067cf46a8b401adadf','reject','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000','2030-01-08 09:00:00.000000',NULL,NULL,'',NULL,NULL);
INSERT INTO "request" VALUES('A000007','R000006','agent','slack:T1:USAM',1,0,'call:m1/c1',0,'tool','approved',1,0,'m1','c1','buy','{"amount": 10}',NULL,'','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','{"policy": "policy 1 (tool = \"buy\")", "stages": [{"name": "default", "approvers": ["user:UANA", "user:UBOB", "user:UCLEO"], "quorum": 2, "channel": "", "allow_public": false}], "note": "", "decisions": ["approved", "rejected"], "timeout": "P1D", "on_timeout": "reject", "valid_for": null, "allow_self_approval": false, "allow_guests": false, "idempotent": false}','9f5df0e2df1c24470aababca0cfc276761557a76f6cee1ea802c41097cae6d63','reject','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000',NULL,'2030-01-07 09:00:00.000000','{"kind": "slack", "id": "UCLEO", "team": "T1", "name": "Cleo"}','',NULL,'2030-01-07 09:00:00.000000');
INSERT INTO "request" VALUES('A000009','R000006','agent','slack:T1:USAM',2,0,'outcome:m1/c1',0,'outcome','pending',1,0,'m1','c1','buy','{"amount": 10}','{"started_at": "2030-01-07T09:00:00+00:00"}','','3f8d3d7658dc12edb2cf9eb4f14af0965a3452d983e41f04bf4041de5e9f070c','{"policy": "policy 1 (tool = \"buy\")", "stages": [{"name": "outcome", "approvers": ["user:UOPS"], "quorum": 1, "channel": "", "allow_public": false}], "note": "", "decisions": ["answered"], "timeout": "PT4H", "on_timeout": "keep", "valid_for": null, "allow_self_approval": false, "allow_guests": false, "idempotent": false}','934273eee32076d250a66f1be8f72ee298688455805ce23d5569891f457db2f9','keep','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000','2030-01-07 13:00:00.000000',NULL,NULL,'',NULL,NULL);
INSERT INTO "request" VALUES('A000011','R000010','agent','slack:T1:USAM',1,0,'call:m1/c1',0,'tool','approved',1,0,'m1','c1','pay','{"amount": 20}',NULL,'','0c8a604384b295d1693566ee49f4b025a9dc1f11406b35b83246f40e8269e736','{"policy": "policy 2 (tool = \"pay\")", "stages": [{"name": "default", "approvers": ["user:UANA"], "quorum": 1, "channel": "", "allow_public": false}], "note": "", "decisions": ["approved", "rejected"], "timeout": "PT4H", "on_timeout": "reject", "valid_for": "P1D", "allow_self_approval": false, "allow_guests": false, "idempotent": false}','3a26a6cc7b97cf1d3aecaa97cb0ed00bc622f11586a2f05e6c4cd2ccd19f78a7','reject','2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000',NULL,'2030-01-07 09:00:00.000000','{"kind": "slack", "id": "UANA", "team": "T1", "name": "Ana"}','',NULL,NULL);
CREATE TABLE run (
	id VARCHAR NOT NULL, 
	agent VARCHAR NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	starter JSON NOT NULL, 
	starter_key VARCHAR NOT NULL, 
	input JSON, 
	output JSON, 
	error VARCHAR NOT NULL, 
	checkpoint JSON, 
	fingerprint VARCHAR NOT NULL, 
	origin JSON NOT NULL, 
	dedupe VARCHAR, 
	pause INTEGER NOT NULL, 
	stuck INTEGER NOT NULL, 
	cancel_requested BOOLEAN NOT NULL, 
	due_at DATETIME NOT NULL, 
	owner VARCHAR, 
	attempt INTEGER NOT NULL, 
	failures INTEGER NOT NULL, 
	crashes INTEGER NOT NULL, 
	lease_until DATETIME, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (dedupe), 
	CONSTRAINT run_status CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'))
);
INSERT INTO "run" VALUES('R000002','agent','succeeded','{"kind": "slack", "id": "USAM", "team": "T1", "name": "Sam"}','slack:T1:USAM','{"text": "go"}','{"m1/c1": "buy done"}','',NULL,'1','{"channel": "C1"}',NULL,1,0,0,'2030-01-07 09:00:00.000000','B000001',2,0,0,NULL,'2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000');
INSERT INTO "run" VALUES('R000004','agent','waiting','{"kind": "slack", "id": "USAM", "team": "T1", "name": "Sam"}','slack:T1:USAM','{"text": "go"}',NULL,'',NULL,'1','{"channel": "C1"}',NULL,1,0,0,'2030-01-07 09:00:00.000000','B000001',1,0,0,NULL,'2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000');
INSERT INTO "run" VALUES('R000006','agent','waiting','{"kind": "slack", "id": "USAM", "team": "T1", "name": "Sam"}','slack:T1:USAM','{"text": "go"}',NULL,'',NULL,'1','{"channel": "C1"}',NULL,2,0,0,'2030-01-07 09:00:00.000000','B000008',3,0,0,NULL,'2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000');
INSERT INTO "run" VALUES('R000010','agent','queued','{"kind": "slack", "id": "USAM", "team": "T1", "name": "Sam"}','slack:T1:USAM','{"text": "go"}',NULL,'',NULL,'1','{"channel": "C1"}',NULL,1,0,0,'2030-01-07 09:00:00.000000','B000008',1,0,0,NULL,'2030-01-07 09:00:00.000000','2030-01-07 09:00:00.000000');
CREATE INDEX ix_audit_request_id ON audit (request_id);
CREATE INDEX ix_audit_run_id ON audit (run_id);
CREATE INDEX outbox_due ON outbox (priority, due_at) WHERE status = 'due';
CREATE INDEX outbox_leased ON outbox (lease_until) WHERE status = 'leased';
CREATE INDEX ix_run_starter_key ON run (starter_key);
CREATE INDEX run_due ON run (due_at) WHERE status = 'queued';
CREATE INDEX run_leased ON run (lease_until) WHERE status = 'running';
CREATE INDEX run_recent ON run (created_at);
CREATE INDEX ix_request_run_id ON request (run_id);
CREATE INDEX request_due ON request (due_at, id) WHERE status = 'pending';
CREATE INDEX request_open ON request (run_id) WHERE status = 'pending';
CREATE UNIQUE INDEX decision_once ON decision (request_id, revision, actor_key) WHERE withdrawn_at IS NULL;
COMMIT;
