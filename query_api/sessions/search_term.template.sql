  AND (hasAllTokens(search_text, {words_N:Array(String)})
       AND (empty({phrase_N:Array(String)}) OR position(search_text, {phrase_N:Array(String)}[1]) > 0)
       OR session_id IN (
           SELECT session_id
           FROM facts
           WHERE org_id = {org_id:String}
             AND hasAllTokens(words, {words_N:Array(String)})
             AND (empty({phrase_N:Array(String)}) OR position(words, {phrase_N:Array(String)}[1]) > 0)))
