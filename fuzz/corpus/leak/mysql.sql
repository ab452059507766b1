-- MySQL dump 10.13
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `t`;
CREATE TABLE `t` (
 `id` int(11), `cnic` varchar(15) DEFAULT '');
LOCK TABLES `t` WRITE;
INSERT INTO `t` VALUES (8662,'4081593053739','O\'Neil, \"x\"; (',NULL,'0301 8529971','بلال احمد خان'),(8134,'76547-5733751-6','O\'Neil, \"x\"; (',NULL,'03356512637','نسرین اختر');
UNLOCK TABLES;
