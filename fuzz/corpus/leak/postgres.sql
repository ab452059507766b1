--
-- PostgreSQL database dump
--
SET client_encoding = 'UTF8';
COPY public.people (cnic, phone, name, note) FROM stdin;
‏79351-1896103-2‎	0305-0984831	نسرین اختر	line\none\ttab \N
‏33069-0027002-6‎	03316228177	فاطمہ بی بی	line\none\ttab \N
\.

SELECT 1;
