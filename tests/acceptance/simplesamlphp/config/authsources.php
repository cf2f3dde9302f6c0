<?php

/** The people who can sign in; each has the password `secret`. */

$config = [
    'people' => [
        'exampleauth:UserPass',
        'ada:secret' => [
            'User.Email' => ['ada@acme.org'],
            'User.FirstName' => ['Ada'],
            'User.LastName' => ['Lovelace'],
        ],
        // The same attributes with their OID names, as eduPerson and most universities send them.
        'grace:secret' => [
            'urn:oid:0.9.2342.19200300.100.1.3' => ['grace@acme.org'],
            'urn:oid:2.5.4.42' => ['Grace'],
            'urn:oid:2.5.4.4' => ['Hopper'],
        ],
    ],
];
