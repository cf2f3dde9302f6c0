<?php

/** The identity provider: one key, one login form. */

$email = ['User.Email', 'urn:oid:0.9.2342.19200300.100.1.3'];
$filters = [];
foreach ($email as $attribute) {
    $filters[] = [
        'class' => 'saml:AttributeNameID',
        'attribute' => $attribute,
        'Format' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    ];
}

$metadata[getenv('GATEHOUSE_IDP_URL') . '/idp'] = [
    'host' => '__DEFAULT__',
    'privatekey' => 'idp.key',
    'certificate' => 'idp.pem',
    'auth' => 'people',
    'signature.algorithm' => 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    'NameIDFormat' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    'attributes.NameFormat' => 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri',
    'authproc' => $filters,
];
