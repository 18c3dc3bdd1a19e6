graph [
  directed 0
  node [ id 0 label "one" host_bandwidth_up "100 Mbit" host_bandwidth_down "1 Gbit" ]
  node [ id 1 ]
  edge [ source 0 target 0 latency "1 ms" packet_loss 0.0 ]
  edge [ source 1 target 1 latency "1 ms" ]
  # a comment
  edge [ source 0 target 1 latency "10 ms" packet_loss 0.01 jitter "1 ms" ]
]
