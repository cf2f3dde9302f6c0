<?php

/** The people who can sign in; everybody's password is `secret`. */

$config = [
    'people' => [
        'exampleauth:UserPass',
        'ada:secret' => [
            'User.Email' => ['ada@acme.org'],
            'User.FirstName' => ['Ada'],
            'User.LastName' => ['Lovelace'],
        ],
        // The same facts under the names that eduPerson and most universities use.
        'grace:secret' => [
            'urn:oid:0.9.2342.19200300.100.1.3' => ['grace@acme.org'],
            'urn:oid:2.5.4.42' => ['Grace'],
            'urn:oid:2.5.4.4' => ['Hopper'],
        ],
    ],
];
