# The exporter on EKS: its policy, its role by pod identity, and the chart. docs/deploying.md says how to use it.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.30"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 2.12"
    }
  }
}

variable "cluster_name" {
  type        = string
  description = "The EKS cluster. It has the add-on eks-pod-identity-agent, or is in Auto Mode."
}

variable "namespace" {
  type        = string
  description = "The namespace to install in. It is created if it is missing."
  default     = "monitoring"
}

variable "release" {
  type        = string
  description = "The name of the Helm release."
  default     = "tuning"
}

variable "image_repository" {
  type        = string
  description = "Where you pushed the image, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-tuning-exporter."
}

variable "image_tag" {
  type        = string
  description = "The tag that you pushed."
}

variable "config_file" {
  type        = string
  description = "The exporter's configuration."
}

variable "policy_file" {
  type        = string
  description = "What iam-policy printed for that configuration: one policy as JSON."
}

variable "values_files" {
  type        = list(string)
  description = "Further values of the chart, such as serviceMonitor and prometheusRule."
  default     = []
}

locals {
  service_account = "${var.release}-sagemaker-tuning-exporter"
}

resource "aws_iam_policy" "exporter" {
  name   = "${var.release}-sagemaker-tuning-exporter"
  policy = file(var.policy_file)
}

resource "aws_iam_role" "exporter" {
  name = "${var.release}-sagemaker-tuning-exporter"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PodIdentity"
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
    }]
  })
}

resource "aws_iam_role_policy_attachment" "exporter" {
  role       = aws_iam_role.exporter.name
  policy_arn = aws_iam_policy.exporter.arn
}

resource "aws_eks_pod_identity_association" "exporter" {
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = local.service_account
  role_arn        = aws_iam_role.exporter.arn
}

resource "helm_release" "exporter" {
  name             = var.release
  namespace        = var.namespace
  create_namespace = true
  chart            = "${path.module}/../../helm/sagemaker-tuning-exporter"

  values = concat([for path in var.values_files : file(path)], [yamlencode({
    image          = { repository = var.image_repository, tag = var.image_tag }
    serviceAccount = { name = local.service_account }
    config         = yamldecode(file(var.config_file))
  })])

  # A pod that starts before these has no role.
  depends_on = [aws_eks_pod_identity_association.exporter, aws_iam_role_policy_attachment.exporter]
}

output "role_arn" {
  description = "The exporter's role, for the trust policies of roles in other accounts."
  value       = aws_iam_role.exporter.arn
}
