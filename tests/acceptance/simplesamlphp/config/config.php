<?php

/**
 * SimpleSAMLphp as an identity provider on PHP's built-in server, for one run of one suite.
 *
 * GATEHOUSE_IDP_DATA is the folder of the run: its key, its sessions, and its service providers.
 */

$data = getenv('GATEHOUSE_IDP_DATA') . '/';

$config = [
    'baseurlpath' => getenv('GATEHOUSE_IDP_URL') . '/',
    'certdir' => $data,
    'loggingdir' => $data,
    'datadir' => $data,
    'tempdir' => $data . 'tmp',
    'metadatadir' => dirname(__DIR__) . '/metadata/',
    'metadata.sources' => [['type' => 'flatfile']],
    'attributenamemapdir' => '/usr/share/simplesamlphp/attributemap/',
    'timezone' => 'UTC',
    'secretsalt' => bin2hex(random_bytes(16)),
    'auth.adminpassword' => bin2hex(random_bytes(16)),
    'admin.checkforupdates' => false,
    'logging.level' => SimpleSAML\Logger::WARNING,
    'logging.handler' => 'errorlog',
    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],
    'store.type' => 'sql',
    'store.sql.dsn' => 'sqlite:' . $data . 'sessions.sqlite',
    // The suite uses http.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => null,
    'language.cookie.secure' => false,
    'language.cookie.samesite' => null,
    'language.available' => ['en'],
    'language.default' => 'en',
    'theme.use' => 'default',
    'authproc.idp' => [],
];
