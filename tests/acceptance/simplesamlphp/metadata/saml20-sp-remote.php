<?php

/**
 * The service providers, and the parts of a response that are signed and encrypted for each.
 *
 * Read at every request from `sps.json`: a list of {metadata, response, assertion, encrypt, encryptNameId}.
 */

$list = getenv('GATEHOUSE_IDP_DATA') . '/sps.json';
foreach (is_file($list) ? json_decode(file_get_contents($list), true, 8, JSON_THROW_ON_ERROR) : [] as $wanted) {
    $read = SimpleSAML\Metadata\SAMLParser::parseString($wanted['metadata'])->getMetadata20SP();
    unset($read['entityDescriptor']);
    $metadata[$read['entityid']] = [
        'saml20.sign.response' => $wanted['response'],
        'saml20.sign.assertion' => $wanted['assertion'],
        'assertion.encryption' => $wanted['encrypt'],
        'nameid.encryption' => $wanted['encryptNameId'] ?? false,
    ] + $read;
}
